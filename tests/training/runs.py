"""Pretraining runs in this process, and the files that they write."""

import json
import signal
from pathlib import Path
from typing import Any, Final

import torch

from xlm.dataloader.batch import Batch
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.callback import Callback
from xlm.training.monitoring.standard import standard_callbacks
from xlm.training.trainer import Trainer

ALONE: Final = ProcessGroup(0, 1, torch.device("cpu"))
"""The group of a single process on the CPU."""
NO_DROPOUT: dict[str, object] = {"dropout": 0.0, "attention_dropout": 0.0}


def make_trainer(
    job: PretrainJob,
    *callbacks: Callback,
    group: ProcessGroup = ALONE,
    kind: type[Trainer] = Trainer,
) -> Trainer:
    """A trainer with the standard callbacks, and more."""
    return kind(job, group, [*standard_callbacks(job, group), *callbacks])


def callback_named(trainer: Trainer, name: str) -> Any:
    """One of a trainer's callbacks."""
    (found,) = [one for one in trainer.callbacks._callbacks if one.name == name]
    return found


def files(directory: Path) -> dict[str, bytes]:
    """The contents of a folder's files by name, those of subfolders as `revisions/NAME`."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


class BrokenAt18(Trainer):
    """A trainer that breaks at update 18, between two checkpoints of seven updates."""

    def _update(self, batch: Batch) -> float:
        if self.state.update == 18:
            raise KeyboardInterrupt
        return super()._update(batch)


def straight_run(job: PretrainJob) -> Path:
    """Train without interruption, with one thread as training processes do; returns `job.out`."""
    threads = torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        make_trainer(job).run()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(threads)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return job.out
