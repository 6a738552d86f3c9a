"""The processes of one launch: started, watched and ended together.

with RankGroup(launch, environment) as group:
    group.wait(on_wait)
    result = group.result()
"""

import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from xlm.errors import PeerLostError, RequeueError, ToolError, XlmError
from xlm.processes.child import GuardedChild, ProcessResult
from xlm.processes.failure import first_failure, noted_failure
from xlm.processes.follow import log_tail
from xlm.processes.signals import STOP_SIGNALS
from xlm.processes.supervise import end_all, failed, total, wait_for
from xlm.training.launch.launcher import Launch

_GRACE_SECONDS = 5
"""Time for a process to exit after it has saved its state."""
_LOST_SECONDS = 20.0
"""Time for the processes after one is lost: they cannot save their state without it."""
_SETTLE_SECONDS = 0.5
"""A process that fails makes others fail, and we may see the first of them as the second."""


class RankGroup:
    """Runs `launch.processes` processes; leaving the context ends those that still run."""

    def __init__(self, launch: Launch, environment: Mapping[str, str]) -> None:
        self._launch = launch
        self._environment = {**environment, **launch.environment}
        self._stack = ExitStack()
        self._children: list[GuardedChild] = []
        self._log_bytes: list[int] = []

    def __enter__(self) -> "RankGroup":
        try:
            for rank in range(self._launch.processes):
                self._start(rank)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._stack.close()

    def _start(self, rank: int) -> None:
        launch, path = self._launch, self._launch.log_of(rank)
        self._log_bytes.append(path.stat().st_size if path.exists() else 0)
        place = {"RANK": rank, "LOCAL_RANK": rank}
        world = {"WORLD_SIZE": launch.processes, "LOCAL_WORLD_SIZE": launch.processes}
        with path.open("ab") as log:
            child = GuardedChild(
                # -P: torch must not import a `random.py` from the current folder.
                [sys.executable, "-P", "-m", launch.module, str(launch.job)],
                output=log.fileno(),
                errors=log.fileno(),
                environment=self._environment | {n: str(v) for n, v in (place | world).items()},
                terminate_seconds=launch.save_seconds + _GRACE_SECONDS,
                blocked_signals=STOP_SIGNALS,
            )
        self._children.append(self._stack.enter_context(child))

    def wait(self, on_wait: Callable[[], None]) -> None:
        """Return when all have ended with status 0; if one fails, end the others.

        Raises:
            XlmError: the first error, with the name of the process if that wrote no reason.
        """
        launch = self._launch
        limit = launch.timeout_seconds or None
        if not wait_for(self._children, on_wait=on_wait, timeout_seconds=limit):
            raise ToolError(
                f"{launch.module} did not end within {limit:,g} s: {self._tail(0)}",
                fix="raise its timeout",
            )
        if failed(self._children):
            raise self._explained()

    def end(self, seconds: float | None = None) -> list[int]:
        """Ask all to end, wait for all together, kill the others; returns the ranks of those."""
        promised = self._launch.save_seconds + _GRACE_SECONDS
        return end_all(self._children, promised if seconds is None else min(seconds, promised))

    def result(self) -> ProcessResult:
        """The sum of what all used; the memory peak is that of the largest."""
        return total([child.result() for child in self._children])

    def _explained(self) -> XlmError:
        """End the other processes; returns the first error."""
        time.sleep(_SETTLE_SECONDS)
        # Errors written after this point follow from our own signals.
        statuses, error = failed(self._children), first_failure(self._launch.job)
        silent = [rank for rank in statuses if not noted_failure(self._launch.job, rank)]
        hung = self.end(None if isinstance(error, RequeueError) else _LOST_SECONDS)
        if error is not None and not isinstance(error, PeerLostError):
            return error
        if silent:
            rank, log = silent[0], self._launch.log_of(silent[0])
            return ToolError(
                f"{self._name(rank)} {_ending(statuses[rank])}: {self._tail(rank)}",
                fix=f"see {log}; a rerun continues from the last checkpoint",
            )
        assert error is not None  # else all that failed were silent
        if hung:
            return PeerLostError(f"{self._name(hung[0])} hung: {error.what}", fix=error.fix)
        return error

    def _name(self, rank: int) -> str:
        count = self._launch.processes
        return self._launch.module + (f" process {rank} of {count}" if count > 1 else "")

    def _tail(self, rank: int) -> str:
        return log_tail(self._launch.log_of(rank), self._log_bytes[rank])


def _ending(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(-status).name}"
