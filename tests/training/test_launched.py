"""Pretraining through torchrun: two processes, kills, failures that reach the starter."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.config.training import PretrainSlice
from xlm.errors import ToolError, TrainingError
from xlm.stage import Work
from xlm.stages.pretrain import PRETRAIN
from xlm.training.job import PretrainJob
from xlm.training.team import Team
from xlm.training.trainer import Trainer

NO_DROPOUT: dict[str, object] = {"dropout": 0.0, "attention_dropout": 0.0}


class Recorder:
    """Keeps the progress that was reported."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, float | None, str, str]] = []
        self.documents: dict[str, str] = {}

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        self.notes.append((done, total, unit, note))

    def show(self, name: str, document: str) -> None:
        self.documents[name] = document


@pytest.fixture
def make_work(world: TinyWorld, tmp_path: Path) -> Callable[..., Work[PretrainSlice]]:
    def make(name: str, **changes: object) -> Work[PretrainSlice]:
        inputs = {"vocabulary": world.vocabulary}
        inputs |= {f"data.{unit}": path for unit, path in {**world.mono, **world.pairs}.items()}
        any_mapper: Any = None
        return Work(
            unit="all",
            config=PretrainSlice(
                languages=LANGUAGES,
                model=tiny_model(**NO_DROPOUT),
                pretrain=tiny_pretraining(**changes),
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


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def losses(directory: Path) -> list[float]:
    lines = (directory / "metrics.jsonl").read_text().split("\n")[:-1]
    return [json.loads(line)["loss"]["mlm"] for line in lines]


def straight_run(job: PretrainJob) -> Path:
    """Train in this process, with one thread as the started ones; returns the files' directory."""
    threads = torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    torch.set_num_threads(1)
    try:
        Trainer(job, Team(0, 1, torch.device("cpu"))).run()
    finally:
        torch.set_num_threads(threads)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return job.out


def test_two_processes_compute_what_one_computes(
    make_work: Callable[..., Work[PretrainSlice]], make_job: Callable[..., PretrainJob]
) -> None:
    """The global batch and its masks do not depend on how many processes share it."""
    work = make_work("two", processes=2, speed_updates=1)
    outcome = PRETRAIN.run(work)
    assert outcome.counts["updates"] == 20
    assert outcome.counts["parameters"] > 1000
    assert outcome.measured["tokens_per_second"] > 0
    assert outcome.measured["peak_memory_bytes"] > 50_000_000
    assert isinstance(work.progress, Recorder)
    assert work.progress.notes[-1][:3] == (20, 20, "updates")
    assert "training mixture" in (work.logs / "processes.log").read_text()
    assert "| tlm.sw-en |" in work.progress.documents["mixture"]
    alone = straight_run(make_job("one", model=NO_DROPOUT))
    assert losses(work.out) == pytest.approx(losses(alone), rel=1e-4)


@pytest.mark.fault
def test_a_killed_tree_goes_on_to_the_same_bytes(
    make_work: Callable[..., Work[PretrainSlice]], make_job: Callable[..., PretrainJob]
) -> None:
    """kill -9 of torchrun and its worker mid-run, then a rerun: equal to a straight run."""
    shape: dict[str, object] = {"updates": 120, "validation_updates": 60, "checkpoint_updates": 10}
    killed = make_work("killed", **shape)
    killer = threading.Thread(target=_kill_after_a_checkpoint, args=(killed.scratch,))
    killer.start()
    with pytest.raises(ToolError, match="a rerun continues from the last checkpoint"):
        PRETRAIN.run(killed)
    killer.join()
    assert not (killed.out / "model.safetensors").exists()
    PRETRAIN.run(killed)
    assert "going on from update" in (killed.logs / "processes.log").read_text()
    straight = straight_run(make_job("straight", model=NO_DROPOUT, **shape))
    assert files(killed.out) == files(straight)


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
