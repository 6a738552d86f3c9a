"""Runs in this process, and what they wrote."""

import signal
from pathlib import Path

import torch

from xlm.dataloader.batch import Batch
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.trainer import Trainer

NO_DROPOUT: dict[str, object] = {"dropout": 0.0, "attention_dropout": 0.0}


def files(directory: Path) -> dict[str, bytes]:
    """The published files by name."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


class BrokenAt18(Trainer):
    """Is interrupted in the middle, between two checkpoints of seven updates."""

    def _update(self, batch: Batch) -> float:
        if self._state.update == 18:
            raise KeyboardInterrupt
        return super()._update(batch)


def straight_run(job: PretrainJob) -> Path:
    """Train in this process, with one thread as the started ones; returns the files' directory."""
    threads = torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        Trainer(job, ProcessGroup(0, 1, torch.device("cpu"))).run()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(threads)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return job.out
