"""The training processes of a run, as they were started: who we are, and sums over all.

    with join_process_group("cpu") as group:
        total = group.sum(torch.tensor([1.0]))

One process alone needs no process group. Several that our own starter started meet in a file; those
of a `torchrun` meet where its variables say, which is a port of the network.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from xlm.errors import TrainingError
from xlm.training.launch.local import MEETING_FILE

_TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True)
class ProcessGroup:
    """Our rank among `world_size` processes, and our device."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main_process(self) -> bool:
        """Whether we write files."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The element-wise sum over all processes."""
        total = values.clone()
        if self.world_size > 1:
            dist.all_reduce(total)
        return total

    def gather(self, values: Tensor) -> list[Tensor]:
        """Everybody's values, in the order of ranks."""
        if self.world_size == 1:
            return [values.clone()]
        everybody = [torch.empty_like(values) for _ in range(self.world_size)]
        dist.all_gather(everybody, values)
        return everybody

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return bool(self.sum(torch.tensor([int(flag)], device=self.device)).item())

    def wait(self) -> None:
        """Return when all have come here."""
        if self.world_size > 1:
            dist.barrier()


@contextmanager
def join_process_group(device: str, *, timeout: timedelta = _TIMEOUT) -> Iterator[ProcessGroup]:
    """Meet the other processes of this run; leave them at the end.

    A process that waits longer than `timeout` for another one ends, and with it the run.

    Raises:
        TrainingError: this process's GPU is not there.
    """
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    local = _local_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if world_size == 1:
        yield ProcessGroup(0, 1, local)
        return
    backend = "nccl" if local.type == "cuda" else "gloo"
    if meeting := os.environ.get(MEETING_FILE):
        store = dist.FileStore(meeting, world_size)  # type: ignore[attr-defined]
        store.set_timeout(timeout)
        dist.init_process_group(
            backend, store=store, rank=rank, world_size=world_size, timeout=timeout
        )
    else:
        dist.init_process_group(backend, timeout=timeout)
    try:
        yield ProcessGroup(rank, world_size, local)
    finally:
        dist.destroy_process_group()


def _local_device(device: str, number: int) -> torch.device:
    """The device of this machine's process `number`."""
    if device != "cuda":
        return torch.device(device)
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number >= present:
        raise TrainingError(
            f"process {number} wants a GPU of its own, torch sees {present} here",
            fix="lower the stage's `processes`, or set its `device` to cpu",
        )
    local = torch.device("cuda", number)
    torch.cuda.set_device(local)
    return local
