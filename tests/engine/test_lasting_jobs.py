"""Builds whose job outlives the run: nothing of theirs is removed, moved or built twice."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.toy import ALL_BUILT, JoinSlice, Toy, ToyConfig
from xlm.engine.stage import ALL, Node, StageContext, StageResult
from xlm.errors import TrainingError
from xlm.store.artifact import Staging
from xlm.store.store import ArtifactStore
from xlm.store.underway import builds_underway


def _settings(config: ToyConfig) -> str:
    return f"unused is {config.unused}"


def _job(context: StageContext[JoinSlice]) -> StageResult:
    """The first run leaves a job that writes; the next one finds its result."""
    assert context.settings == "unused is 3"
    assert len(context.key) == 24
    hold = Staging(context.scratch.parent).hold
    result = context.out / "joined.txt"
    if not hold.exists():
        hold.write_text("a job\n")
        result.write_text("of the job")
        raise TrainingError("interrupted; the job goes on")
    hold.unlink()
    assert result.read_text() == "of the job"
    return StageResult()


def test_the_files_of_a_job_are_kept_for_the_next_run(toy: Toy) -> None:
    toy.with_stage("join", run=_job, settings=_settings)
    with pytest.raises(TrainingError):
        toy.run(unused=3)
    (build,) = builds_underway(ArtifactStore.open(str(toy.root)))
    assert build.is_running
    assert toy.run(unused=3)["join"] == "built"
    assert (toy.directory(Node("join", ALL)) / "joined.txt").read_text() == "of the job"


def test_settings_are_in_no_key(toy: Toy) -> None:
    assert toy.run() == ALL_BUILT
    toy.with_stage("join", settings=_settings)
    assert set(toy.run(unused=9).values()) == {"cached"}


def test_a_job_is_ended_before_its_files_are_discarded(toy: Toy) -> None:
    """An input was damaged and is rebuilt, so what was made of it is not trusted."""
    abandoned: list[Any] = []

    def abandon(settings: str, scratch: Path) -> None:
        abandoned.append((settings, scratch.exists()))
        Staging(scratch.parent).hold.unlink()

    toy.with_stage("join", run=_job, settings=_settings, abandon=abandon)
    with pytest.raises(TrainingError):
        toy.run(unused=3)
    text = toy.directory(Node("read", "sw")) / "text.txt"
    text.write_text(text.read_text().upper())
    with pytest.raises(TrainingError):  # a new job, which starts again
        toy.run(unused=3)
    assert abandoned == [("unused is 3", True)]
