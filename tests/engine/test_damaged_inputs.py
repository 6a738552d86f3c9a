"""Damaged inputs are found and rebuilt first; artifacts built from them are rebuilt too."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.engine.toy import ALL_CACHED, JOIN, JoinSlice, Recorder, Toy
from xlm.engine.building.inputs import CheckCost, InputChecks
from xlm.engine.stage import Node, StageContext, StageResult
from xlm.errors import StoreError
from xlm.store.integrity.verification import verify_store
from xlm.store.manifest import MANIFEST_NAME, RUN_NAME

SW, JOINED, SIZE = Node("read", "sw"), Node("join", "all"), Node("last", "all")


@pytest.fixture
def built(toy: Toy) -> Toy:
    """The toy with everything built, one stage at a time: no run wrote what it reads."""
    for stage in ("read", "join", "last"):
        toy.run(only=(stage,))
    return toy


def _digests(toy: Toy) -> list[str]:
    return [
        json.loads((toy.directory(node) / MANIFEST_NAME).read_bytes())["digest"]
        for node in (SW, JOINED, SIZE)
    ]


def _poison(path: Path) -> None:
    """Change the bytes, but neither size nor times."""
    before = path.stat()
    path.write_bytes(b"X" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _forget_verification(directory: Path) -> None:
    """Turn a manifest into one of a version that did not hash inputs."""
    path = directory / MANIFEST_NAME
    manifest = json.loads(path.read_bytes())
    for record in manifest["upstream"].values():
        del record["verified"]
    path.write_text(json.dumps(manifest))


def _build_without_checks(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(InputChecks, "damage", lambda *_: (None, CheckCost()))
        toy.run()
    for node in (JOINED, SIZE):
        _forget_verification(toy.directory(node))


@pytest.mark.slow
def test_a_damaged_input_is_rebuilt_before_it_is_read(built: Toy) -> None:
    """The next run used to build from the damaged bytes, under the key of the intact ones."""
    before = _digests(built)
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    statuses = built.run()
    assert statuses == ALL_CACHED | {"read[sw]": "built", "join": "built"}
    assert _digests(built) == before
    with built.open() as run:
        report = verify_store(run.store, "deep")
    assert (report.checked, report.damaged, report.untracked_files) == (4, [], [])


def test_a_refresh_rebuilds_damaged_inputs_too(built: Toy) -> None:
    before = _digests(built)
    _poison(built.directory(SW) / "text.txt")
    assert built.run(refresh=("join",))["read[sw]"] == "built"
    assert _digests(built) == before


def test_damage_two_stages_upstream_is_rebuilt_from_the_top(built: Toy) -> None:
    before = _digests(built)
    joined = built.directory(JOINED)
    _poison(built.directory(SW) / "text.txt")
    _poison(joined / "joined.txt")
    shutil.rmtree(built.directory(SIZE))
    assert built.run() == ALL_CACHED | {"read[sw]": "built", "join": "built", "last": "built"}
    assert _digests(built) == before


def test_a_damaged_input_outside_of_the_selection_is_refused_in_one_line(built: Toy) -> None:
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    with pytest.raises(StoreError) as caught:
        built.run(only=("join",))
    message = str(caught.value)
    assert message.startswith("read[sw], an input of join, is damaged (text.txt does not match")
    assert f" --until 'read[sw]' --verify deep --root {built.root}`" in message
    assert not list((built.root / "artifacts" / "join").iterdir())
    assert built.run(until="read[sw]", verify="deep") == {"read[sw]": "built"}
    assert built.run(only=("join",)) == {"join": "built"}


def test_a_cached_consumer_of_a_damaged_input_stays_cached(built: Toy) -> None:
    """Its manifest records that it was built from verified bytes."""
    _poison(built.directory(SW) / "text.txt")
    assert built.run() == ALL_CACHED
    assert built.run(verify="deep") == ALL_CACHED | {"read[sw]": "built"}
    assert built.run(verify="deep") == ALL_CACHED


@pytest.mark.parametrize("verify_first", [False, True])
def test_artifacts_that_an_earlier_version_built_from_damaged_bytes_are_rebuilt(
    built: Toy, monkeypatch: pytest.MonkeyPatch, verify_first: bool
) -> None:
    """A deep verification used to rebuild the input alone and then to report no damage."""
    before = _digests(built)
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    _build_without_checks(built, monkeypatch)
    assert _digests(built) != before
    if verify_first:
        with built.open() as run:
            found = {
                damage.stage: damage.damage for damage in verify_store(run.store, "deep").damaged
            }
        assert found.keys() == {"read", "join"}
        assert "may have been built from damaged bytes of read[sw]" in found["join"]
    assert built.run(only=("read",), verify="deep")["read[sw]"] == "built"
    # The input is intact again. Every later run still finds what was built from it.
    statuses = built.run()
    assert statuses["join"] == "built"
    assert _digests(built) == before
    with built.open() as run:
        assert not verify_store(run.store, "deep").damaged
    assert built.run() == ALL_CACHED


def test_a_lost_file_does_not_rebuild_consumers(built: Toy) -> None:
    """Nobody can have read the lost file of a shard, so a training of days stays cached."""
    for node in (JOINED, SIZE):
        _forget_verification(built.directory(node))
    (built.directory(SW) / "text.txt").unlink()
    assert built.run() == ALL_CACHED | {"read[sw]": "built"}
    assert built.run(verify="deep") == ALL_CACHED


def test_an_input_that_changes_while_it_is_read_is_not_published(toy: Toy) -> None:
    def damage_and_join(context: StageContext[JoinSlice]) -> StageResult:
        _poison(context.inputs["sw"] / "text.txt")
        return JOIN.run(context)

    toy.with_stage("join", run=damage_and_join)
    with pytest.raises(StoreError, match="sw, an input of join, was damaged during the build"):
        toy.run()
    assert toy.original().run()["read[sw]"] == "built"
    with toy.open() as run:
        assert not verify_store(run.store, "deep").damaged


def test_each_input_is_hashed_once_a_run_and_own_output_never(
    built: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    real = InputChecks.damage

    def count(checks: InputChecks, artifact: object) -> tuple[str | None, CheckCost]:
        reason, cost = real(checks, artifact)  # type: ignore[arg-type]
        if cost.size_bytes:
            hashed.append(artifact.manifest.unit)  # type: ignore[attr-defined]
        return reason, cost

    monkeypatch.setattr(InputChecks, "damage", count)
    for directory in [built.directory(node) for node in (JOINED, SIZE)]:
        shutil.rmtree(directory)
    built.run()
    assert sorted(hashed) == ["en", "sw"]
    measured = json.loads((built.directory(JOINED) / RUN_NAME).read_bytes())
    assert measured["input_check_bytes"] > 0
    assert measured["input_check_seconds"] >= 0


def test_a_rebuild_of_an_input_is_reported(built: Toy) -> None:
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    recorder = Recorder()
    built.run(recorder)
    assert recorder.notices == [
        "read[sw]: is damaged (text.txt does not match its sha256 in the manifest); "
        "rebuilding it first"
    ]
