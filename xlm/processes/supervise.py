"""Watches one or several children together: waits for them, ends them, adds up what they used.

children = [GuardedChild(...), GuardedChild(...)]
in_time = wait_for(children, on_wait=report, timeout_seconds=3600)
still_running = end_all(children, seconds=30)
"""

import math
import time
from collections.abc import Callable, Sequence

from xlm.processes.child import GuardedChild, ProcessResult

_FIRST_WAIT_SECONDS = 0.002
LONGEST_WAIT_SECONDS = 0.1


def wait_for(
    children: Sequence[GuardedChild],
    *,
    on_wait: Callable[[], None] | None = None,
    timeout_seconds: float | None = None,
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
) -> bool:
    """Wait until all children have ended, or one has failed; False if that takes too long.

    `on_wait` is called several times a second, in this thread; its exceptions are raised here.
    """
    started, wait_seconds = time.monotonic(), _FIRST_WAIT_SECONDS
    while not failed(children) and not all(child.ended() for child in children):
        if timeout_seconds is not None and time.monotonic() - started > timeout_seconds:
            return False
        if on_wait is not None:
            on_wait()
        time.sleep(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, longest_wait_seconds)
    return True


def failed(children: Sequence[GuardedChild]) -> dict[int, int]:
    """Index to status of the children that ended with a status other than 0."""
    statuses = {index: child.status() for index, child in enumerate(children)}
    return {index: status for index, status in statuses.items() if status}


def signal_all(children: Sequence[GuardedChild], number: int, seconds: float) -> None:
    """Send a signal to all that run, if there is one, wait for all together, kill the others.

    Args:
        number: the signal; 0 only waits.
    """
    deadline = time.monotonic() + seconds
    if number:
        for child in children:
            child.send_signal(number)
    while time.monotonic() < deadline and not all(child.ended() for child in children):
        time.sleep(_FIRST_WAIT_SECONDS)
    for child in children:
        child.stop(seconds=0)


def end_all(children: Sequence[GuardedChild], seconds: float) -> list[int]:
    """Ask all to end, wait for all together, kill the others; returns the indices of those."""
    deadline = time.monotonic() + seconds
    for child in children:
        if not child.ended():
            child.ask_to_end()
    while time.monotonic() < deadline and not all(child.ended() for child in children):
        time.sleep(_FIRST_WAIT_SECONDS)
    running = [index for index, child in enumerate(children) if not child.ended()]
    for child in children:
        child.stop(seconds=0)
    return running


def total(results: Sequence[ProcessResult]) -> ProcessResult:
    """The sum of what all used; the memory peak is that of the largest."""
    return ProcessResult(
        max(result.returncode for result in results),
        max(result.peak_memory_bytes for result in results),
        math.fsum(result.cpu_seconds for result in results),
    )
