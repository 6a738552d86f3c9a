"""The processes of one launch: started together, watched together, ended together.

with RankGroup(launch, environment) as group:
    group.wait(on_wait)
    result = group.result()
"""

import math
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from xlm.errors import PeerLostError, RequeueError, ToolError, XlmError
from xlm.processes.child import GuardedChild, ProcessResult
from xlm.processes.programs import log_tail
from xlm.processes.signals import STOP_SIGNALS
from xlm.training.launch.failure import first_failure, noted_failure
from xlm.training.launch.launcher import Launch

_GRACE_SECONDS = 5
"""For the end of a process that has saved its state."""
_LOST_SECONDS = 20.0
"""For processes that have lost one: they can save nothing without it."""
_FIRST_WAIT_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 0.1
_SETTLE_SECONDS = 0.5
"""A process that fails takes others with it: the first one may be seen as the second."""


class RankGroup:
    """Runs `launch.processes` processes; leaving the context ends all that run."""

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
                # -P: a `random.py` where the user stands is not the one that torch wants.
                [sys.executable, "-P", "-m", launch.module, str(launch.job)],
                output=log.fileno(),
                errors=log.fileno(),
                environment=self._environment | {n: str(v) for n, v in (place | world).items()},
                terminate_seconds=launch.save_seconds + _GRACE_SECONDS,
                held_signals=STOP_SIGNALS,
            )
        self._children.append(self._stack.enter_context(child))

    def wait(self, on_wait: Callable[[], None]) -> None:
        """Return when all have ended well; the first that has not ends the others.

        Raises:
            XlmError: what went wrong first, with the name of the process if it did not say.
        """
        launch, began = self._launch, time.monotonic()
        wait_seconds = _FIRST_WAIT_SECONDS
        while not self._failed() and not all(child.ended() for child in self._children):
            if (limit := launch.timeout_seconds) and time.monotonic() - began > limit:
                raise ToolError(
                    f"{launch.module} did not end within {limit:,g} s: {self._tail(0)}",
                    fix="raise its timeout",
                )
            on_wait()
            time.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 1.5, _LONGEST_WAIT_SECONDS)
        if self._failed():
            raise self._explained()

    def end(self, seconds: float | None = None) -> list[int]:
        """Ask all to end, wait for all together, kill who stays; returns the ranks of those."""
        promised = self._launch.save_seconds + _GRACE_SECONDS
        deadline = time.monotonic() + (promised if seconds is None else min(seconds, promised))
        for child in self._children:
            if not child.ended():
                child.ask_to_end()
        while time.monotonic() < deadline and not all(child.ended() for child in self._children):
            time.sleep(_FIRST_WAIT_SECONDS)
        stubborn = [rank for rank, child in enumerate(self._children) if not child.ended()]
        for child in self._children:
            child.stop(seconds=0)
        return stubborn

    def result(self) -> ProcessResult:
        """What all took together; the peak is that of the largest."""
        results = [child.result() for child in self._children]
        return ProcessResult(
            max(result.returncode for result in results),
            max(result.peak_memory_bytes for result in results),
            math.fsum(result.cpu_seconds for result in results),
        )

    def _failed(self) -> dict[int, int]:
        """Rank to status of those that have not ended well."""
        statuses = {rank: child.status() for rank, child in enumerate(self._children)}
        return {rank: status for rank, status in statuses.items() if status}

    def _explained(self) -> XlmError:
        """End the others; what went wrong first."""
        time.sleep(_SETTLE_SECONDS)
        # What is noted from here on follows from our own asking.
        failed, said = self._failed(), first_failure(self._launch.job)
        silent = [rank for rank in failed if not noted_failure(self._launch.job, rank)]
        stubborn = self.end(None if isinstance(said, RequeueError) else _LOST_SECONDS)
        if said is not None and not isinstance(said, PeerLostError):
            return said
        if silent:
            rank, log = silent[0], self._launch.log_of(silent[0])
            return ToolError(
                f"{self._name(rank)} {_ending(failed[rank])}: {self._tail(rank)}",
                fix=f"see {log}; a rerun continues from the last checkpoint",
            )
        if said is not None and stubborn:
            return PeerLostError(f"{self._name(stubborn[0])} hung: {said.what}", fix=said.fix)
        assert said is not None  # else all that failed were silent
        return said

    def _name(self, rank: int) -> str:
        count = self._launch.processes
        return self._launch.module + (f" process {rank} of {count}" if count > 1 else "")

    def _tail(self, rank: int) -> str:
        return log_tail(self._launch.log_of(rank), self._log_bytes[rank])


def _ending(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(-status).name}"
