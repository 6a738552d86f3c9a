"""Jobs that go on when this process ends, and what a signal means for them.

    with lasting_job("xlm-pretrain-0123456789ab-abcdef") as job:
        while ...:
            if job.is_cancelled: ...        # Ctrl-C twice, or a flow run that was cancelled
            if job.is_left: ...             # the run ends, and the job goes on

A program on this machine ends with its run. A job of a cluster does not: the run may end because
its machine restarts. Only somebody who says so cancels it. Signal handlers use this module, so it
takes no lock.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from xlm.processes.group import current_group


class LastingJob:
    """A job that this process waits for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_cancelled = False
        self._is_ended = False

    def ask_to_end(self) -> None:
        """The run ends; see `is_left`."""
        self._is_ended = True

    def note_left(self) -> None:
        """This process no longer waits for the job, which goes on."""
        _left.append(self.name)

    @property
    def is_ending(self) -> bool:
        """Whether the run ends; the user may still decide to cancel the job."""
        return self._is_ended

    @property
    def is_left(self) -> bool:
        """Whether the run ends and the job goes on."""
        return self._is_ended and not self.is_cancelled and time.monotonic() >= _question.until


class _Question:
    until = float("-inf")


_question = _Question()
_jobs: list[LastingJob] = []
_left: list[str] = []


@contextmanager
def lasting_job(name: str) -> Iterator[LastingJob]:
    """Register a job while this thread waits for it."""
    job, group = LastingJob(name), current_group()
    _jobs.append(job)
    if group is not None:
        group.add(job)
    try:
        yield job
    finally:
        _jobs.remove(job)
        if group is not None:
            group.remove(job)


def lasting_jobs() -> tuple[str, ...]:
    """The names of the jobs that this process waits for."""
    return tuple(job.name for job in tuple(_jobs))


def left_jobs() -> tuple[str, ...]:
    """The names of the jobs that this process waited for and left, as it ended."""
    return tuple(_left)


def leave_after(seconds: float) -> None:
    """Wait before the jobs are left: the user may press Ctrl-C again."""
    _question.until = time.monotonic() + seconds


def cancel_jobs() -> None:
    """Cancel all jobs that this process waits for; their threads do it."""
    for job in tuple(_jobs):
        job.is_cancelled = True
