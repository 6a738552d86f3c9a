"""Whether to stop: a signal to any process ends all of them at the same update.

    requests = StopRequests(group)
    requests.listen()
    while ...:
        if requests.made():  # once an update, in every process
            save_and_leave()

SIGTERM is what a scheduler sends, SIGUSR1 what Slurm sends when time is nearly over.
"""

import time

import torch

from xlm.processes.signals import listen
from xlm.training.launch.distributed import ProcessGroup

_ASK_SECONDS = 1.0
"""How long a signal may wait; to ask at every update would cost a short one's time."""
_MOST_UPDATES = 64


class Interrupted(Exception):  # noqa: N818 - not an error: the state is saved, start again
    """The run was asked to stop and has saved its state."""


class StopRequests:
    """Takes signals; several processes ask each other about once a second."""

    def __init__(self, group: ProcessGroup) -> None:
        self._group = group
        self._asked_for = False
        self._updates_until_exchange = 1
        self._since, self._updates = time.monotonic(), 0

    def listen(self) -> None:
        """Take SIGTERM, SIGUSR1 and SIGHUP as requests from now on."""
        listen(self._take)

    def made(self) -> bool:
        """Whether all processes stop now; each calls this after each of its updates.

        All must leave at the same update, or one would wait for the others' gradients.
        """
        if self._group.world_size == 1:
            return self._asked_for
        self._updates += 1
        if self._updates < self._updates_until_exchange:
            return False
        return self._exchange()

    def _exchange(self) -> bool:
        """Ask the others, and agree on when to ask again: after a second of the slowest."""
        now = time.monotonic()
        seconds = (now - self._since) / self._updates
        mine_2 = torch.tensor([float(self._asked_for), seconds], device=self._group.device)
        everybody = self._group.gather(mine_2)
        slowest = max(float(theirs_2[1]) for theirs_2 in everybody)
        within = int(_ASK_SECONDS / slowest) if slowest else _MOST_UPDATES
        self._updates_until_exchange = min(max(within, 1), _MOST_UPDATES)
        self._since, self._updates = now, 0
        return any(bool(theirs_2[0]) for theirs_2 in everybody)

    def _take(self, number: int, frame: object) -> None:
        self._asked_for = True
