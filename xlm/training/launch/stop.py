"""Stop requests: a stop signal to any process stops all processes at the same update.

    requests = StopRequests(group)
    requests.listen()
    while ...:
        if requests.should_stop():  # once an update, in every process
            save_checkpoint()
            break

Schedulers send SIGTERM; Slurm sends SIGUSR1 shortly before the time limit.
"""

import time

import torch

from xlm.processes.signals import listen
from xlm.training.launch.distributed import ProcessGroup

_EXCHANGE_SECONDS = 1.0
"""How long a signal may wait. An exchange at every update would slow short updates down."""
_MAX_UPDATES = 64


class Interrupted(Exception):  # noqa: N818 - not an error: the state is saved, start again
    """The run received a stop signal and has saved its state."""


class StopRequests:
    """Receives stop signals; the processes exchange them about once a second."""

    def __init__(self, group: ProcessGroup) -> None:
        self._group = group
        self._received = False
        self._updates_until_exchange = 1
        self._since, self._updates = time.monotonic(), 0

    def listen(self) -> None:
        """Take stop signals as requests from now on."""
        listen(self._receive)

    def should_stop(self) -> bool:
        """Whether all processes stop now; every process calls this after each update.

        All processes must stop at the same update: one that goes on would wait for the gradients
        of the others.
        """
        if self._group.world_size == 1:
            return self._received
        self._updates += 1
        if self._updates < self._updates_until_exchange:
            return False
        return self._exchange()

    def _exchange(self) -> bool:
        """Exchange requests and plan the next exchange: in a second of the slowest process."""
        now = time.monotonic()
        seconds = (now - self._since) / self._updates
        ours_2 = torch.tensor([float(self._received), seconds], device=self._group.device)
        all_ranks = self._group.gather(ours_2)
        slowest = max(float(values_2[1]) for values_2 in all_ranks)
        updates = int(_EXCHANGE_SECONDS / slowest) if slowest else _MAX_UPDATES
        self._updates_until_exchange = min(max(updates, 1), _MAX_UPDATES)
        self._since, self._updates = now, 0
        return any(bool(values_2[0]) for values_2 in all_ranks)

    def _receive(self, number: int, frame: object) -> None:
        self._received = True
