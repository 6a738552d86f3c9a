"""Which changes give another key, and which do not."""

import pytest
from pydantic import Field

from xlm.engine.config import Config, operational
from xlm.errors import ToolError
from xlm.store.keys import artifact_key, canonical_json, ingredients_of, tool_version

BASE = {
    "stage": "tokenize",
    "unit": "sw",
    "code_version": 1,
    "config": {"a": 1, "b": {"c": [1, 2]}},
    "upstream_digests": {"text": "d1"},
    "tools": {"sacremoses": "0.2.0"},
}


def _key(**changes: object) -> str:
    return artifact_key(ingredients_of(**(BASE | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "split"},
        {"unit": "en"},
        {"code_version": 2},
        {"config": {"a": 2, "b": {"c": [1, 2]}}},
        {"config": {"a": 1, "b": {"c": [2, 1]}}},
        {"upstream_digests": {"text": "d2"}},
        {"upstream_digests": {"other": "d1"}},
        {"tools": {"sacremoses": "0.2.1"}},
    ],
)
def test_every_ingredient_changes_the_key(change: dict[str, object]) -> None:
    assert _key(**change) != _key()


def test_the_order_of_names_does_not_change_the_key() -> None:
    assert _key(config={"b": {"c": [1, 2]}, "a": 1}) == _key()


def test_the_key_is_the_same_on_every_machine() -> None:
    assert _key() == "f278c144b926e27e9d723d4a"


def test_canonical_json_is_ascii_and_sorted() -> None:
    assert canonical_json({"b": "ñ", "a": 1.5}) == '{"a":1.5,"b":"\\u00f1"}'


def test_operational_fields_are_not_in_the_key() -> None:
    class Inner(Config):
        date: str = Field("x", description="d")
        retries: int = operational(3, description="r")

    class Outer(Config):
        inner: Inner = Field(Inner(), description="i")
        many: tuple[Inner, ...] = Field((Inner(),), description="m")
        workers: int = operational(2, description="w")

    assert Outer().key_fields() == {"inner": {"date": "x"}, "many": [{"date": "x"}]}
    assert Outer(workers=8).key_fields() == Outer().key_fields()


def test_tool_versions() -> None:
    assert tool_version("sacremoses") == "0.2.0"
    assert tool_version("python").startswith("3.")
    assert tool_version("unicode").count(".") == 2
    with pytest.raises(ToolError, match="not installed; run `make setup`"):
        tool_version("no-such-distribution")
