"""Waits for the end of a job, through restarts, failed attempts and outages of the scheduler.

    outcome = JobWatch(jobs, job, on_wait=report, log=progress.log).run()

The process that waits may die at any time: the job goes on, and the next one finds it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from xlm.cluster.clock import Clock
from xlm.cluster.job import ClusterJob, JobState, SeenJob
from xlm.cluster.jobs import SETTLE_SECONDS, JobCancelledError, Jobs, ours
from xlm.cluster.records import End, JobRecords, Outcome, Submission
from xlm.cluster.verdict import Decision, Verdict, verdict
from xlm.display.markdown import format_duration
from xlm.errors import ClusterError, UnreachableClusterError

_TICK_SECONDS = 0.2
_QUICK_POLL_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 120.0
_OUTAGE_LOG_SECONDS = 600.0
_WORDS_LOG_SECONDS = 60.0
_UNCONFIRMED_SECONDS = 60.0
"""A finished job is taken as ended without the word of a scheduler that does not answer."""
_CALL_SECONDS = 10.0
_OUTPUT = "see its output in {}; a rerun continues from the newest checkpoint"
T = TypeVar("T")


@dataclass
class _Answer(Generic[T]):
    value: T | None = None
    error: Exception | None = None


class JobWatch:
    """Waits for one job; `submission` and `running_seconds` are known while it waits."""

    def __init__(
        self,
        jobs: Jobs,
        job: ClusterJob,
        *,
        on_wait: Callable[[], None],
        log: Callable[[str], None],
        on_found: Callable[[], None] = lambda: None,
        poll_seconds: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        """Wait for `job`.

        Args:
            on_wait: is called several times a second, in the calling thread; its exceptions end
                the wait, and the job goes on.
            log: receives a line when the state of the job changes.
            on_found: is called if the job was submitted before, and has not ended.
            poll_seconds: time between two questions to the scheduler.
        """
        self.submission: Submission | None = None
        self.running_seconds = 0.0
        self._jobs, self._job, self._records = jobs, job, JobRecords(job.directory)
        self._on_wait, self._log_line, self._on_found = on_wait, log, on_found
        self._poll_seconds = poll_seconds
        self._clock = clock or Clock()
        self._failures = 0
        self._outage_began: float | None = None
        self._outage_logged = self._words_logged = float("-inf")
        self._backoff = _QUICK_POLL_SECONDS
        self._words, self._states = "", frozenset[tuple[str, JobState]]()
        self._picture: object = None
        self._picture_since = 0.0
        self._call: threading.Thread | None = None
        self._failed_checkpoint: str | None = None
        self._start, self._silent = "", 0
        self._running_since: float | None = None

    def run(self) -> Outcome:
        """Submit the job unless it lives, and return how it ended: done.

        Raises:
            JobFailedError: it ran out of memory, failed too often, or cannot go on.
            JobCancelledError: somebody cancelled it.
            ClusterError: the scheduler refused it, or has no commands here.
        """
        self._records.clear_cancelled()
        before = self._records.newest_submission()
        self._submit(is_new_run=True)
        found = self._records.newest_submission()
        if before and found and found.number == before.number and not self._records.outcome():
            self._on_found()
        while True:
            outcome, seen = self._look()
            if seen is None:
                if outcome is not None and outcome.end == End.DONE and self._is_unconfirmed():
                    return outcome
                continue
            assert self.submission is not None
            decided = verdict(
                outcome,
                seen,
                failures=self._failures_here(),
                max_attempts=self._job.max_attempts,
                settled=self._settled(outcome, seen),
                is_submitted=bool(self.submission.job_id),
                is_cancelled=self._records.is_cancelled(),
            )
            if decided.is_failure:
                self._failures += 1
            match decided.decision:
                case Decision.WAIT:
                    self._pause(self._interval(outcome, seen))
                case Decision.DONE:
                    assert outcome is not None
                    self._cancel_duplicates(seen)
                    return outcome
                case Decision.SUBMIT:
                    if seen and outcome is None and not decided.is_failure:
                        self._require_start(seen, decided.reason)
                    self._log_line(f"{self._job.name}: {decided.reason}; submitting it again")
                    self._submit(is_new_run=False)
                case Decision.CANCELLED:
                    raise JobCancelledError(self._name(seen), decided.reason)
                case Decision.GIVE_UP:
                    if outcome is None and not decided.fix:
                        # Its processes cannot say why; what ended them did, or the batch script.
                        decided = replace(decided, fix=_OUTPUT.format(self._job.directory))
                    raise JobFailedError(self._name(seen), decided, self._failures)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function that may block in another thread, and `on_wait` meanwhile."""
        answer: _Answer[T] = _Answer()

        def work() -> None:
            try:
                answer.value = function()
            except Exception as error:  # raised in the calling thread
                answer.error = error

        self._call = thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_TICK_SECONDS)
            self._on_wait()
        if answer.error is not None:
            raise answer.error
        return answer.value  # type: ignore[return-value]

    def finish_call(self, seconds: float = _CALL_SECONDS) -> bool:
        """Wait for a question or submission that goes on after `on_wait` has raised.

        Returns whether it has ended.
        """
        if self._call is not None:
            self._call.join(seconds)
        return self._call is None or not self._call.is_alive()

    def _submit(self, *, is_new_run: bool) -> None:
        """Find or submit the job, however long the scheduler does not answer."""
        while True:
            try:
                found = self.call(lambda: self._jobs.try_ensure(self._job, is_new_run=is_new_run))
            except UnreachableClusterError as error:
                self._note_outage(error)
                continue
            self._note_answer()
            if found is not None:
                self.submission, self._picture = found, None
                return
            self._pause(_QUICK_POLL_SECONDS)

    def _look(self) -> tuple[Outcome | None, list[SeenJob] | None]:
        """What agent and scheduler report; None: the scheduler did not answer."""
        name, scheduler = self._job.name, self._jobs.scheduler
        try:
            seen = ours(self.call(lambda: scheduler.find(name)), self.submission)
            if self._records.is_cancelled() and any(job.state.is_live for job in seen):
                # The command that cancelled it may not have reached the scheduler.
                self.call(lambda: scheduler.cancel(name))
        except UnreachableClusterError as error:
            outcome = self._records.outcome()
            self._settled(outcome, [])
            self._note_outage(error)
            return outcome, None
        self._note_answer()
        self._note_words(seen)
        assert self.submission is not None
        if seen and not self.submission.job_id:
            self.submission = self._records.note_id(self.submission, seen[0].job_id)
        # After the scheduler's answer: what an ended job has written is visible by now.
        outcome = self._records.outcome()
        self._count_time(any(job.state == JobState.RUNNING for job in seen))
        return outcome, seen

    def _count_time(self, runs: bool) -> None:
        now = self._clock.monotonic()
        if self._running_since is not None:
            self.running_seconds += now - self._running_since
        self._running_since = now if runs else None

    def _failures_here(self) -> int:
        """The number of failed attempts since the newest checkpoint."""
        attempts = self._records.attempts()
        checkpoint = attempts[-1].checkpoint if attempts else ""
        if checkpoint != self._failed_checkpoint:
            self._failed_checkpoint, self._failures = checkpoint, 0
        return self._failures

    def _require_start(self, seen: list[SeenJob], reason: str) -> None:
        """Give up a job that is interrupted again and again before its agent starts.

        Restarts after that are limited by the agent.
        """
        attempts = self._records.attempts()
        start = attempts[-1].token if attempts else ""
        self._silent = self._silent + 1 if start == self._start else 0
        self._start = start
        if self._silent > self._job.max_idle_restarts:
            reason = f"{self._silent} times in a row, it did not start its work: {reason}"
            fix = f"see its output in {self._job.directory}; its time limit may be too short"
            decided = Verdict(Decision.GIVE_UP, reason, fix=fix)
            raise JobFailedError(self._name(seen), decided, self._failures)

    def _settled(self, outcome: Outcome | None, seen: list[SeenJob]) -> bool:
        picture = (outcome, tuple((job.job_id, job.state) for job in seen), self.submission)
        if picture != self._picture:
            self._picture, self._picture_since = picture, self._clock.monotonic()
        return self._clock.monotonic() - self._picture_since >= SETTLE_SECONDS

    def _is_unconfirmed(self) -> bool:
        return self._clock.monotonic() - self._picture_since >= _UNCONFIRMED_SECONDS

    def _interval(self, outcome: Outcome | None, seen: list[SeenJob]) -> float:
        """The time until the next question; short if the job is about to end, or has ended."""
        if outcome is not None or not any(job.state.is_live for job in seen):
            return min(_QUICK_POLL_SECONDS, self._poll_seconds)
        return self._poll_seconds

    def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the job is reported to have ended, or is cancelled."""
        deadline = self._clock.monotonic() + seconds
        before = self._records.outcome(), self._records.is_cancelled()
        while (left := deadline - self._clock.monotonic()) > 0:
            self._on_wait()
            self._clock.sleep(min(_TICK_SECONDS, left))
            if (self._records.outcome(), self._records.is_cancelled()) != before:
                return

    def _note_outage(self, error: UnreachableClusterError) -> None:
        """Log the outage at once and now and then; wait before the next question."""
        now = self._clock.monotonic()
        if self._outage_began is None:
            self._outage_began = now
        if now - self._outage_logged >= _OUTAGE_LOG_SECONDS:
            self._outage_logged = now
            lasted = format_duration(now - self._outage_began)
            self._log_line(f"no answer from the scheduler for {lasted}, waiting: {error.what}")
        self._pause(self._backoff)
        self._backoff = min(2 * self._backoff, _LONGEST_BACKOFF_SECONDS)

    def _note_answer(self) -> None:
        if self._outage_began is not None:
            lasted = format_duration(self._clock.monotonic() - self._outage_began)
            self._log_line(f"the scheduler answers again, after {lasted}")
        self._outage_began, self._outage_logged = None, float("-inf")
        self._backoff = _QUICK_POLL_SECONDS

    def _note_words(self, seen: list[SeenJob]) -> None:
        """Log a new state of the job; a new reason for the same state at most once a minute."""
        words = "; ".join(
            f"job {job.job_id} {job.words}" + (f" on {job.nodes}" if job.nodes else "")
            for job in seen
            if job.state.is_live
        )
        states = frozenset((job.job_id, job.state) for job in seen if job.state.is_live)
        now = self._clock.monotonic()
        is_due = states != self._states or now - self._words_logged >= _WORDS_LOG_SECONDS
        if words and words != self._words and is_due:
            self._words, self._states, self._words_logged = words, states, now
            self._log_line(words)

    def _cancel_duplicates(self, seen: list[SeenJob]) -> None:
        if any(job.state.is_live for job in seen):
            self._jobs.scheduler.cancel(self._job.name)

    def _name(self, seen: list[SeenJob]) -> str:
        return f"{self._job.name} ({seen[-1].job_id})" if seen else self._job.name


class JobFailedError(ClusterError):
    """A job was given up; records of its processes may say why."""

    def __init__(self, name: str, decided: Verdict, failures: int) -> None:
        attempts = f" {failures} times" if failures > 1 else ""
        self.reason = decided.reason
        super().__init__(
            f"job {name} failed{attempts}: {decided.reason or 'see its log'}",
            fix=decided.fix or "a rerun continues from the newest checkpoint",
        )
