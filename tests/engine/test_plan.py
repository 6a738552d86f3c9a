"""The plan names the value that changed, with the old and the new one, and builds nothing."""

import pytest

from tests.engine.toy import ALL_CACHED, Toy
from xlm.engine.stage import Node


def test_before_the_first_run_every_node_was_never_built(toy: Toy) -> None:
    planned = toy.plan()
    assert planned["read[en]"].status == "build"
    assert planned["read[en]"].reasons == ("never built",)
    assert planned["join"].status == "pending"
    assert planned["join"].reasons == ("never built", "after read[en], read[sw]")
    assert not toy.root.exists()


def test_after_a_run_every_node_is_cached_with_its_size(toy: Toy) -> None:
    toy.run()
    planned = toy.plan()
    assert {one.status for one in planned.values()} == {"cached"}
    assert planned["read[sw]"].size.endswith(" B")


def test_a_changed_setting_is_named_with_both_values(toy: Toy) -> None:
    toy.run()
    planned = toy.plan(size=50_000, seed=9)
    assert planned["read[en]"].reasons == ("size: 4000 -> 50000",)
    assert planned["join"].reasons == ("seed: 0 -> 9", "after read[en], read[sw]")
    assert planned["last"].reasons == ("after join",)


def test_a_new_code_version_is_named(toy: Toy) -> None:
    toy.run()
    toy.with_stage("join", version=2)
    assert toy.plan()["join"].reasons == ("code version 1 -> 2",)


def test_another_version_of_a_tool_is_named(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.run()
    monkeypatch.setattr("xlm.engine.node_key.tool_version", lambda name: "99.0")
    reasons = toy.plan()["read[en]"].reasons
    assert len(reasons) == 1
    assert reasons[0].startswith("tool pyyaml: ")
    assert reasons[0].endswith("-> 99.0")


def test_damage_is_named_with_the_file(toy: Toy) -> None:
    toy.run()
    (toy.directory(Node("read", "sw")) / "text.txt").unlink()
    assert toy.plan()["read[sw]"].reasons == ("damaged: text.txt is missing",)


def test_a_changed_or_new_or_removed_input_is_named(toy: Toy) -> None:
    toy.run()
    toy.run(size=50_000, until="read")
    planned = toy.plan(size=50_000)
    assert planned["join"].reasons == ("input changed: read[en], read[sw]",)
    planned = toy.plan(languages=("en", "fr", "sw"))
    assert planned["join"].reasons == ("new input read[fr]", "after read[fr]")
    planned = toy.plan(languages=("en",))
    assert planned["join"].reasons == ("input removed: sw",)


def test_an_artifact_that_was_removed_is_named(toy: Toy) -> None:
    toy.run()
    directory = toy.directory(Node("join", "all"))
    directory.rename(directory.with_name("elsewhere"))
    assert toy.plan()["join"].reasons == ("removed from the store",)


def test_refresh_is_a_reason(toy: Toy) -> None:
    toy.run()
    assert toy.plan(refresh=("join",))["join"].reasons == ("refresh requested",)


def test_only_and_until_limit_the_plan(toy: Toy) -> None:
    assert list(toy.plan(only=("join",))) == ["join"]
    assert list(toy.plan(until="read")) == ["read[en]", "read[sw]"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"key": "k", "digest": "d", "ingredients": {}}']
)
def test_a_damaged_reference_is_ignored(toy: Toy, text: str) -> None:
    toy.run()
    for path in (toy.root / "references").rglob("*.json"):
        path.write_text(text)
    assert toy.plan(size=50_000)["read[en]"].reasons == ("never built",)
    assert toy.run() == ALL_CACHED
