"""The jobs of a cluster: submitted once, found again by name, cancelled; for all schedulers.

    jobs = Jobs(scheduler)
    submission = jobs.ensure(job)       # finds the living job of this name, or submits it
    jobs.status(job)                    # what scheduler and agent report
    jobs.cancel(job.name, records)      # ask it to end; kill what does not

`ensure` may be interrupted at any point, also by SIGKILL, and be called again by any machine that
sees the store. The intent is recorded before a submission and the id after it, so a job whose
answer was lost is found by its name. Waiting for the end of a job is `xlm.cluster.watch`.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xlm.cluster.clock import Clock
from xlm.cluster.job import ClusterJob, SeenJob
from xlm.cluster.records import Attempt, End, JobRecords, Outcome, Submission
from xlm.cluster.scheduler import Scheduler
from xlm.errors import ClusterError, UnreachableClusterError

SETTLE_SECONDS = 10.0
"""Time for a job, or a file of another machine, to become visible."""
_OTHER_HOST_SECONDS = 180.0
"""Longer than a submission takes: its process on another machine may still live."""
_KILL_AFTER_SECONDS = 6.0
_CANCEL_SECONDS = 15.0
_POLL_SECONDS = 0.5


class JobCancelledError(ClusterError):
    """Somebody cancelled the job."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"job {name}: {reason}",
            fix="run the same command again to submit it again; it goes on from its newest "
            "checkpoint",
        )


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """What is known about a job."""

    submission: Submission | None
    seen: tuple[SeenJob, ...] | None
    """The jobs of the submission as the scheduler shows them; None: it did not answer."""
    outcome: Outcome | None
    attempts: tuple[Attempt, ...]

    @property
    def live(self) -> SeenJob | None:
        """The job that may still run, if the scheduler shows one."""
        return next((job for job in self.seen or () if job.state.is_live), None)

    @property
    def nodes(self) -> str:
        """The nodes of the job, as the scheduler names them; empty if it does not show any."""
        shown = self.live or (self.seen[-1] if self.seen else None)
        return shown.nodes if shown else ""

    @classmethod
    def of(cls, name: str, records: JobRecords, scheduler: Scheduler | None) -> "JobStatus":
        """What is known about a job, without its scheduler if that is None or does not answer."""
        submission = records.newest_submission()
        seen: tuple[SeenJob, ...] | None = None
        if scheduler is not None:
            with suppress(UnreachableClusterError):
                seen = tuple(ours(scheduler.find(name), submission))
        return cls(
            submission=submission,
            seen=seen,
            outcome=records.outcome(),
            attempts=tuple(records.attempts()),
        )


class Jobs:
    """Submits and finds the jobs of one scheduler."""

    def __init__(self, scheduler: Scheduler, clock: Clock | None = None) -> None:
        self.scheduler = scheduler
        self._clock = clock or Clock()

    def ensure(self, job: ClusterJob) -> Submission:
        """Find the job of this name that lives or is done, or submit it; returns its submission.

        Raises:
            JobCancelledError: somebody cancelled it meanwhile.
            ClusterError: the scheduler refused the job.
            UnreachableClusterError: there was no answer; call it again later.
        """
        JobRecords(job.directory).clear_cancelled()
        while True:
            if (found := self._find_or_submit(job, is_new_run=True)) is not None:
                return found
            self._clock.sleep(_POLL_SECONDS)

    def try_ensure(self, job: ClusterJob, *, is_new_run: bool) -> Submission | None:
        """One step of `ensure`; None: not decided yet, try again in a moment.

        Args:
            is_new_run: whether a run of the pipeline begins to wait for the job, which gives it
                all of its attempts again.
        """
        return self._find_or_submit(job, is_new_run=is_new_run)

    def status(self, job: ClusterJob) -> JobStatus:
        """What scheduler and agent report about the job; never raises for an outage."""
        return JobStatus.of(job.name, JobRecords(job.directory), self.scheduler)

    def logs(self, job: ClusterJob, rank: int = 0) -> Path:
        """The file with the output of a process; it need not exist yet."""
        return job.log_of(rank)

    def cancel(self, name: str, records: JobRecords) -> None:
        """End all living jobs of a name within 15 s, and return when they have ended.

        The cancellation is recorded first: a run that waits for the job may reach the scheduler
        only after it has forgotten the job, and must not submit it again.

        Raises:
            ClusterError: they have not ended in that time.
            UnreachableClusterError: there was no answer.
        """
        records.note_cancelled()
        self.scheduler.cancel(name)
        began, killed = self._clock.monotonic(), False
        while any(seen.state.is_live for seen in self.scheduler.find(name)):
            waited = self._clock.monotonic() - began
            if waited > _CANCEL_SECONDS:
                raise ClusterError(
                    f"job {name} was cancelled, but has not ended within {waited:.0f} s",
                    fix="look for it with the tools of the cluster",
                )
            if waited > _KILL_AFTER_SECONDS and not killed:
                self.scheduler.cancel(name, kill=True)
                killed = True
            self._clock.sleep(_POLL_SECONDS)

    def _find_or_submit(self, job: ClusterJob, *, is_new_run: bool) -> Submission | None:
        records = JobRecords(job.directory)
        newest = records.newest_submission()
        all_seen = self.scheduler.find(job.name)
        if newest is not None:
            if (found := self._existing(records, newest, all_seen)) is not None:
                return found
            if not newest.job_id and self._may_be_underway(newest):
                return None
        if records.is_cancelled():
            raise JobCancelledError(job.name, "it was cancelled on request")
        return self._submit(job, records, newest, all_seen, is_new_run=is_new_run)

    def _existing(
        self, records: JobRecords, newest: Submission, all_seen: Sequence[SeenJob]
    ) -> Submission | None:
        """The newest submission, if its job lives or is done."""
        mine = ours(all_seen, newest)
        live = [job for job in mine if job.state.is_live]
        if live and not newest.job_id:
            newest = records.note_id(newest, live[0].job_id)
        outcome = records.outcome()
        return newest if live or (outcome is not None and outcome.end == End.DONE) else None

    def _may_be_underway(self, newest: Submission) -> bool:
        """Whether the process that recorded an intent may still submit, or its job may appear."""
        # The clock of the other machine may be ahead of ours.
        age = abs(self._clock.time() - newest.created_at)
        is_ours = newest.host == os.uname().nodename
        if is_ours and newest.pid != os.getpid() and Path(f"/proc/{newest.pid}").exists():
            # Another run here that lost its lock, or a new process with the same number.
            return age < _OTHER_HOST_SECONDS
        limit = SETTLE_SECONDS if is_ours else _OTHER_HOST_SECONDS
        return age < limit

    def _submit(
        self,
        job: ClusterJob,
        records: JobRecords,
        newest: Submission | None,
        all_seen: Sequence[SeenJob],
        *,
        is_new_run: bool,
    ) -> Submission | None:
        # A living job without a submission is ours too: somebody removed the records.
        earlier = tuple(seen.job_id for seen in all_seen if not seen.state.is_live)
        number = newest.number + 1 if newest else 1
        intent = records.begin_submission(earlier, number=number, created_at=self._clock.time())
        if intent is None:
            return None
        records.clear_outcome()
        if is_new_run:
            records.write_attempts([])
        records.write_job(job)
        try:
            job_id = self.scheduler.submit(job)
        except UnreachableClusterError:
            raise
        except ClusterError:
            records.forget_submission(intent)
            raise
        return records.note_id(intent, job_id)


def ours(seen: Sequence[SeenJob], submission: Submission | None) -> list[SeenJob]:
    """The jobs of a submission: those that the scheduler did not show before it."""
    if submission is None:
        return list(seen)
    return [job for job in seen if job.job_id not in submission.earlier]
