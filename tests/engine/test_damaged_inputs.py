"""Damaged inputs are found and rebuilt first; artifacts built from them are rebuilt too."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.engine.toy import ALL_CACHED, JOIN, JoinSlice, Recorder, Toy
from xlm.engine.inputs import CheckCost, InputChecks
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
    """Change bytes, keep size and time."""
    before = path.stat()
    path.write_bytes(b"X" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _forget_verification(directory: Path) -> None:
    """Make a manifest one of a version that did not hash its inputs."""
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


def test_a_damaged_input_is_mended_before_it_is_read(built: Toy) -> None:
    """The next run built from the bad bytes, under the keys of the good digest."""
    before = _digests(built)
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    statuses = built.run()
    assert statuses == ALL_CACHED | {"read[sw]": "built", "join": "built"}
    assert _digests(built) == before
    with built.open() as run:
        report = verify_store(run.store, "deep")
    assert (report.checked, report.damaged, report.strangers) == (4, [], [])


def test_a_refresh_reads_no_damaged_input_either(built: Toy) -> None:
    before = _digests(built)
    _poison(built.directory(SW) / "text.txt")
    assert built.run(refresh=("join",))["read[sw]"] == "built"
    assert _digests(built) == before


def test_damage_two_steps_up_is_mended_from_the_top(built: Toy) -> None:
    before = _digests(built)
    joined = built.directory(JOINED)
    _poison(built.directory(SW) / "text.txt")
    _poison(joined / "joined.txt")
    shutil.rmtree(built.directory(SIZE))
    assert built.run() == ALL_CACHED | {"read[sw]": "built", "join": "built", "last": "built"}
    assert _digests(built) == before


def test_a_damaged_input_outside_of_the_selection_is_one_line(built: Toy) -> None:
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    with pytest.raises(StoreError) as caught:
        built.run(only=("join",))
    message = str(caught.value)
    assert message.startswith(
        "read[sw], which join is built from, is damaged (text.txt has another"
    )
    assert f" --until 'read[sw]' --verify deep --root {built.root}`" in message
    assert not list((built.root / "artifacts" / "join").iterdir())
    assert built.run(until="read[sw]", verify="deep") == {"read[sw]": "built"}
    assert built.run(only=("join",)) == {"join": "built"}


def test_a_cached_consumer_of_a_damaged_input_stays(built: Toy) -> None:
    """Its manifest says that it was built from verified bytes."""
    _poison(built.directory(SW) / "text.txt")
    assert built.run() == ALL_CACHED
    assert built.run(verify="deep") == ALL_CACHED | {"read[sw]": "built"}
    assert built.run(verify="deep") == ALL_CACHED


@pytest.mark.parametrize("verify_first", [False, True])
def test_what_an_earlier_version_built_from_damaged_bytes_is_found_and_mended(
    built: Toy, monkeypatch: pytest.MonkeyPatch, verify_first: bool
) -> None:
    """A deep verification mended the input alone, and then reported that nothing was damaged."""
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
        assert "may be built from damaged bytes of read[sw]" in found["join"]
    assert built.run(only=("read",), verify="deep")["read[sw]"] == "built"
    # The mend of the input is over; what was built from it is found by every later run.
    statuses = built.run()
    assert statuses["join"] == "built"
    assert _digests(built) == before
    with built.open() as run:
        assert not verify_store(run.store, "deep").damaged
    assert built.run() == ALL_CACHED


def test_damage_that_the_fast_check_sees_makes_nothing_suspect(built: Toy) -> None:
    """A lost file of a shard must not cost a training of days."""
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
    with pytest.raises(StoreError, match="was damaged while it was needed"):
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


def test_a_mend_is_shown(built: Toy) -> None:
    _poison(built.directory(SW) / "text.txt")
    shutil.rmtree(built.directory(JOINED))
    recorder = Recorder()
    built.run(recorder)
    assert recorder.notices == [
        "read[sw]: is damaged (text.txt has another sha256 than the manifest says) and is built "
        "again first"
    ]
