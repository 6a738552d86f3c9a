"""The plan names the value that changed, from what to what, and runs nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import JOIN, LAST, READ, Toy
from xlm.engine.plan import Step, plan
from xlm.engine.stage import Node, Stage
from xlm.store.store import ArtifactStore


def _plan(toy: Toy, *overrides: str, **fields: object) -> dict[str, Step]:
    store = ArtifactStore.open(toy.settings.root)
    return {str(step.node): step for step in plan(toy.request(*overrides, **fields), store)}


def test_before_the_first_run_everything_was_never_built(toy: Toy) -> None:
    steps = _plan(toy)
    assert steps["read[en]"].status == "build"
    assert steps["read[en]"].reasons == ("never built",)
    assert steps["join"].status == "pending"
    assert steps["join"].reasons == ("never built", "after read[en], read[sw]")
    assert not Path(toy.settings.root).exists()


def test_after_a_run_everything_is_cached_with_its_size(toy: Toy) -> None:
    toy.run()
    steps = _plan(toy)
    assert {step.status for step in steps.values()} == {"cached"}
    assert steps["read[sw]"].size.endswith(" B")


def test_a_changed_setting_is_named_with_both_values(toy: Toy) -> None:
    toy.run()
    steps = _plan(toy, "bpe.codes=50000", "bpe.seed=9")
    assert steps["read[en]"].reasons == ("codes: 4000 -> 50000",)
    assert steps["join"].reasons == ("seed: 0 -> 9", "after read[en], read[sw]")
    assert steps["last"].reasons == ("after join",)


def test_a_bumped_version_is_named(
    toy: Toy, bumped: Callable[[Stage[Any, Any]], Stage[Any, Any]]
) -> None:
    toy.run()
    toy.use(READ, bumped(JOIN), LAST)
    assert _plan(toy)["join"].reasons == ("code version 1 -> 2",)


def test_a_tool_of_another_version_is_named(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.run()
    monkeypatch.setattr("xlm.engine.plan.tool_version", lambda name: "99.0")
    reasons = _plan(toy)["read[en]"].reasons
    assert len(reasons) == 1
    assert reasons[0].startswith("tool pyyaml: ")
    assert reasons[0].endswith("-> 99.0")


def test_damage_is_named_with_the_file(toy: Toy) -> None:
    toy.run()
    with toy.open(toy.request()) as run:
        directory = run.locate(Node("read", "sw")).directory
    (directory / "text.txt").unlink()
    assert _plan(toy)["read[sw]"].reasons == ("damaged: text.txt is missing",)


def test_a_changed_or_new_or_gone_input_is_named(toy: Toy) -> None:
    toy.run()
    toy.run("bpe.codes=50000", until="read")
    steps = _plan(toy, "bpe.codes=50000")
    assert steps["join"].reasons == ("input changed: read[en], read[sw]",)
    wide = toy.request().model_copy(update={"languages": ("en", "fr", "sw")})
    store = ArtifactStore.open(toy.settings.root)
    steps = {str(step.node): step for step in plan(wide, store)}
    assert steps["join"].reasons == ("new input read[fr]", "after read[fr]")
    narrow = toy.request().model_copy(update={"languages": ("en",)})
    steps = {str(step.node): step for step in plan(narrow, store)}
    assert steps["join"].reasons == ("input gone: sw",)


def test_an_artifact_that_was_removed_is_named(toy: Toy) -> None:
    toy.run()
    with toy.open(toy.request()) as run:
        directory = run.locate(Node("join", "all")).directory
    directory.rename(directory.with_name("elsewhere"))
    assert _plan(toy)["join"].reasons == ("removed from the store",)


def test_refresh_is_a_reason(toy: Toy) -> None:
    toy.run()
    assert _plan(toy, refresh=("join",))["join"].reasons == ("refresh asked for",)


def test_only_and_until_cut_the_plan(toy: Toy) -> None:
    assert list(_plan(toy, only=("join",))) == ["join"]
    assert list(_plan(toy, until="read")) == ["read[en]", "read[sw]"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"key": "k", "digest": "d", "ingredients": {}}']
)
def test_a_damaged_reference_explains_nothing_and_breaks_nothing(toy: Toy, text: str) -> None:
    toy.run()
    for path in (Path(toy.settings.root) / "references").rglob("*.json"):
        path.write_text(text)
    assert _plan(toy, "bpe.codes=50000")["read[en]"].reasons == ("never built",)
    assert toy.run() == dict.fromkeys(["read[en]", "read[sw]", "join", "last"], "cached")
