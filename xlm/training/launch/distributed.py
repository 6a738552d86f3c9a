"""The process group of a training job: our rank, and collectives over all processes.

    with join_process_group("cpu") as group:
        total = group.sum(torch.tensor([1.0]))

A single process needs no `torch.distributed`. Processes that our launcher started meet in a file,
those of a cluster at a TCP port under the name of their job, and those that `torchrun` started as
its environment variables say.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from xlm.cluster.job import RENDEZVOUS
from xlm.errors import TrainingError
from xlm.training.launch.local import MEETING_FILE

_TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True)
class ProcessGroup:
    """The rank and device of this process, and collectives over all processes of the job."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main_process(self) -> bool:
        """Whether this is rank 0, the process that writes the files of the run."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The element-wise sum over all processes, as a new tensor."""
        total = values.clone()
        if self.world_size > 1:
            dist.all_reduce(total)
        return total

    def gather(self, values: Tensor) -> list[Tensor]:
        """The values of every process, by rank."""
        if self.world_size == 1:
            return [values.clone()]
        gathered = [torch.empty_like(values) for _ in range(self.world_size)]
        dist.all_gather(gathered, values)
        return gathered

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return bool(self.sum(torch.tensor([int(flag)], device=self.device)).item())

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world_size > 1:
            dist.barrier()


@contextmanager
def join_process_group(device: str, *, timeout: timedelta = _TIMEOUT) -> Iterator[ProcessGroup]:
    """Join the process group that the environment describes; leave it at the end.

    Args:
        device: "cpu" or "cuda"; process N of a machine uses its GPU N.
        timeout: how long a collective waits for another process before it raises an error.

    Raises:
        TrainingError: this machine has no GPU for this process.
    """
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    local = _local_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if world_size == 1:
        yield ProcessGroup(0, 1, local)
        return
    backend = "nccl" if local.type == "cuda" else "gloo"
    if (store := _rendezvous(rank, world_size, timeout)) is not None:
        dist.init_process_group(
            backend, store=store, rank=rank, world_size=world_size, timeout=timeout
        )
    else:
        dist.init_process_group(backend, timeout=timeout)
    try:
        yield ProcessGroup(rank, world_size, local)
    finally:
        dist.destroy_process_group()


def _rendezvous(rank: int, world_size: int, timeout: timedelta) -> Any:
    """The `Store` in which the processes find each other; None: `torch` reads the environment."""
    if meeting := os.environ.get(MEETING_FILE):
        file = dist.FileStore(meeting, world_size)  # type: ignore[attr-defined]
        file.set_timeout(timeout)
        return file
    if (name := os.environ.get(RENDEZVOUS)) is None:
        return None
    port = dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        world_size,
        is_master=rank == 0,
        timeout=timeout,
        wait_for_workers=False,  # it would count the processes of other jobs
    )
    return dist.PrefixStore(name, port)  # type: ignore[attr-defined]


def _local_device(device: str, local_rank: int) -> torch.device:
    if device != "cuda":
        return torch.device(device)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if local_rank >= count:
        raise TrainingError(
            f"process {local_rank} needs GPU {local_rank}, but torch finds {count} GPUs",
            fix="lower the stage's `processes`, or set its `device` to cpu",
        )
    local = torch.device("cuda", local_rank)
    torch.cuda.set_device(local)
    return local
