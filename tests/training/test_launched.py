"""Pretraining through torchrun: two processes, kills, failures that reach the starter."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.errors import ToolError, TrainingError
from xlm.stages.pretrain import PRETRAIN, PretrainSlice
from xlm.stages.stage import Outcome, Work

RunStage = Callable[..., Outcome]


class Recorder:
    """Keeps the progress that was reported."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, float | None, str, str]] = []

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        self.notes.append((done, total, unit, note))


@pytest.fixture
def make_work(world: TinyWorld, tmp_path: Path) -> Callable[..., Work[PretrainSlice]]:
    def make(name: str, **changes: object) -> Work[PretrainSlice]:
        inputs = {"vocabulary": world.vocabulary}
        inputs |= {f"data.{unit}": path for unit, path in {**world.mono, **world.pairs}.items()}
        any_mapper: Any = None
        return Work(
            unit="all",
            config=PretrainSlice(
                languages=LANGUAGES, model=tiny_model(), pretrain=tiny_pretraining(**changes)
            ),
            inputs=inputs,
            out=tmp_path / name / "out",
            scratch=tmp_path / name / "scratch",
            logs=tmp_path / name / "logs",
            mapper=any_mapper,
            workers=1,
            progress=Recorder(),
        )

    return make


def files(work: Work[PretrainSlice]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(work.out.iterdir())}


def test_two_processes_train_together_and_report(
    make_work: Callable[..., Work[PretrainSlice]],
) -> None:
    work = make_work("two", processes=2, speed_updates=1)
    outcome = PRETRAIN.run(work)
    assert outcome.counts["updates"] == 20
    assert outcome.counts["parameters"] > 1000
    assert outcome.measured["tokens_per_second"] > 0
    assert outcome.measured["peak_memory_bytes"] > 50_000_000
    assert isinstance(work.progress, Recorder)
    assert work.progress.notes[-1][:3] == (20, 20, "updates")
    assert "training mixture" in (work.logs / "training.log").read_text()


@pytest.mark.fault
def test_a_killed_tree_goes_on_to_the_same_bytes(
    make_work: Callable[..., Work[PretrainSlice]],
) -> None:
    """kill -9 of torchrun's workers mid-run, then a rerun: equal to a straight run."""
    shape: dict[str, object] = {"updates": 120, "validation_updates": 60, "checkpoint_updates": 10}
    straight = make_work("straight", **shape)
    PRETRAIN.run(straight)
    killed = make_work("killed", **shape)
    killer = threading.Thread(target=_kill_after_a_checkpoint, args=(killed.scratch,))
    killer.start()
    with pytest.raises(ToolError, match="a rerun continues from the last checkpoint"):
        PRETRAIN.run(killed)
    killer.join()
    assert not (killed.out / "model.safetensors").exists()
    PRETRAIN.run(killed)
    assert "going on from update" in (killed.logs / "training.log").read_text()
    assert files(killed) == files(straight)


def test_what_went_wrong_in_a_process_reaches_the_starter(
    make_work: Callable[..., Work[PretrainSlice]],
) -> None:
    work = make_work("none", optimizer={"learning_rate": 1e30, "clip_norm": 1e30})
    with pytest.raises(TrainingError, match="not finite at update"):
        PRETRAIN.run(work)


def _kill_after_a_checkpoint(scratch: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(scratch.glob("checkpoints/update-*")):
            for process in Path("/proc").glob("[0-9]*"):
                if _runs_job(process, scratch):
                    os.kill(int(process.name), signal.SIGKILL)
            return
        time.sleep(0.01)


def _runs_job(process: Path, scratch: Path) -> bool:
    """Whether it is one of the processes of this test's job, workers and starters alike."""
    try:
        command = (process / "cmdline").read_bytes().decode()
    except OSError:
        return False
    return str(scratch / "job.json") in command
