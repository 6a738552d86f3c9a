"""A stage that continues the unfinished build of another key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toy import JoinSlice, Recorder, Toy
from xlm.engine.stage import ALL, Node, StageContext, StageResult
from xlm.errors import StoreError, TrainingError
from xlm.store.store import ArtifactStore
from xlm.store.underway import builds_underway

JOINED = Node("join", ALL)


def count_to(target: int) -> Any:
    """A stage that counts on from the number in scratch, and fails at `target`."""

    def run(context: StageContext[JoinSlice]) -> StageResult:
        path = context.scratch / "count"
        count = int(path.read_text()) if path.exists() else 0
        if count < target < 100:
            path.write_text(str(target))
            raise TrainingError("stopped")
        (context.out / "joined.txt").write_text(str(count))
        return StageResult()

    return run


def _continues(config: JoinSlice, other: Mapping[str, Any], scratch: Path) -> int | None:
    path = scratch / "count"
    return int(path.read_text()) if config.seed % 2 and path.exists() else None


@pytest.fixture
def counting(toy: Toy) -> Toy:
    """Two unfinished builds, of seeds 0 and 2, that counted to 3 and to 5."""
    for seed, target in ((0, 5), (2, 3)):
        toy.with_stage("join", run=count_to(target), continues=_continues)
        with pytest.raises(TrainingError):
            toy.run(seed=seed)
    return toy.with_stage("join", run=count_to(100))


def keys(toy: Toy) -> list[str]:
    return [build.key for build in builds_underway(ArtifactStore.open(str(toy.root)))]


def counted(toy: Toy, seed: int) -> str:
    with toy.open(seed=seed) as run:
        return (run.locate(JOINED).directory / "joined.txt").read_text()


def test_the_furthest_build_goes_on_under_the_new_key(counting: Toy) -> None:
    recorder = Recorder()
    assert len(keys(counting)) == 2
    counting.run(recorder, seed=1)
    assert counted(counting, 1) == "5"
    (left,) = keys(counting)
    (line,) = [line for line in recorder.notices if "continues" in line]
    assert line.startswith("join: continues the unfinished build ")
    assert left not in line


def test_a_configuration_that_cannot_continue_begins_anew(counting: Toy) -> None:
    counting.run(seed=4)
    assert counted(counting, 4) == "0"
    assert len(keys(counting)) == 2


def test_other_inputs_are_never_continued(counting: Toy) -> None:
    counting.run(seed=1, size=40_000)
    with counting.open(seed=1, size=40_000) as run:
        assert (run.locate(JOINED).directory / "joined.txt").read_text() == "0"


def test_an_own_unfinished_build_comes_first(counting: Toy) -> None:
    counting.with_stage("join", run=count_to(1), continues=None)
    with pytest.raises(TrainingError):
        counting.run(seed=1)
    counting.with_stage("join", run=count_to(100), continues=_continues).run(seed=1)
    assert counted(counting, 1) == "1"


def test_a_build_that_runs_is_refused(counting: Toy) -> None:
    store = ArtifactStore.open(str(counting.root))
    furthest = max(
        builds_underway(store),
        key=lambda build: int((build.staging.scratch / "count").read_text()),
    )
    with (
        store.lock("join", furthest.key),
        pytest.raises(StoreError, match=f"still runs .key {furthest.key}.; stop it first"),
    ):
        counting.run(seed=1)
    assert len(keys(counting)) == 2
