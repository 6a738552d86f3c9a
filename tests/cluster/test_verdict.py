"""What is decided about a job, case by case."""

import pytest

from xlm.cluster.job import JobState, SeenJob
from xlm.cluster.records import End, Outcome
from xlm.cluster.verdict import Decision, Verdict, verdict

S, D = JobState, Decision


def _decide(
    end: End | None, *states: JobState, failures: int = 0, settled: bool = True, job_id: str = "1"
) -> Verdict:
    outcome = Outcome(end=end, reason="its reason", job_id=job_id) if end else None
    seen = [
        SeenJob(job_id=str(number), state=state, words=state.upper())
        for number, state in enumerate(states, start=1)
    ]
    return verdict(outcome, seen, failures=failures, max_attempts=3, settled=settled)


@pytest.mark.parametrize(
    ("end", "states", "decision", "is_failure"),
    [
        # As long as the job may run, nothing else counts.
        (None, (S.PENDING,), D.WAIT, False),
        (None, (S.RUNNING,), D.WAIT, False),
        (None, (S.UNKNOWN,), D.WAIT, False),
        (End.STOPPED, (S.PENDING,), D.WAIT, False),
        (End.FAILED, (S.RUNNING,), D.WAIT, False),
        (End.CANNOT_GO_ON, (S.RUNNING,), D.WAIT, False),
        # Its agent knows how it ended.
        (End.DONE, (S.SUCCEEDED,), D.DONE, False),
        (End.DONE, (), D.DONE, False),
        (End.DONE, (S.CANCELLED,), D.DONE, False),
        (End.DONE, (S.INTERRUPTED,), D.DONE, False),
        (End.CANNOT_GO_ON, (S.FAILED,), D.GIVE_UP, False),
        (End.CANNOT_GO_ON, (), D.GIVE_UP, False),
        (End.STOPPED, (S.FAILED,), D.SUBMIT, False),
        (End.STOPPED, (), D.SUBMIT, False),
        (End.FAILED, (S.FAILED,), D.SUBMIT, True),
        (End.FAILED, (), D.SUBMIT, True),
        # The scheduler knows why it ended.
        (End.STOPPED, (S.CANCELLED,), D.CANCELLED, False),
        (None, (S.CANCELLED,), D.CANCELLED, False),
        (End.FAILED, (S.INTERRUPTED,), D.SUBMIT, False),
        (None, (S.INTERRUPTED,), D.SUBMIT, False),
        (None, (S.OUT_OF_MEMORY,), D.GIVE_UP, False),
        (End.FAILED, (S.OUT_OF_MEMORY,), D.GIVE_UP, False),
        # Nobody knows.
        (None, (S.FAILED,), D.SUBMIT, True),
        (None, (S.SUCCEEDED,), D.SUBMIT, True),
        (None, (), D.SUBMIT, True),
    ],
)
def test_decisions(
    end: End | None, states: tuple[JobState, ...], decision: Decision, is_failure: bool
) -> None:
    decided = _decide(end, *states)
    assert (decided.decision, decided.is_failure) == (decision, is_failure)


def test_failed_attempts_are_limited_and_interruptions_are_not() -> None:
    assert _decide(End.FAILED, S.FAILED, failures=1).decision == D.SUBMIT
    assert _decide(End.FAILED, S.FAILED, failures=2).decision == D.GIVE_UP
    assert _decide(None, failures=2).decision == D.GIVE_UP
    assert _decide(None, S.INTERRUPTED, failures=99).decision == D.SUBMIT


def test_nothing_is_decided_before_a_late_report_could_be_seen() -> None:
    """A job that ended without a report, or was just submitted, may become visible late."""
    for states in ((), (S.SUCCEEDED,), (S.FAILED,), (S.OUT_OF_MEMORY,), (S.CANCELLED,)):
        assert _decide(None, *states, settled=False).decision == D.WAIT


def test_a_job_that_is_done_may_still_write_for_a_moment() -> None:
    assert _decide(End.DONE, S.RUNNING, settled=False).decision == D.WAIT
    assert _decide(End.DONE, S.RUNNING).decision == D.DONE


def test_a_duplicate_of_a_job_that_is_done_is_not_waited_for() -> None:
    assert _decide(End.DONE, S.SUCCEEDED, S.PENDING, settled=False).decision == D.DONE
    # Without an id, the living job may be the one that is done.
    assert _decide(End.DONE, S.PENDING, settled=False, job_id="").decision == D.WAIT


def test_a_submission_that_did_not_arrive_is_no_failure() -> None:
    decided = verdict(None, [], failures=2, max_attempts=3, settled=True, is_submitted=False)
    assert decided == Verdict(D.SUBMIT, "its submission did not arrive")


def test_reasons_name_what_the_scheduler_said() -> None:
    assert _decide(None, S.OUT_OF_MEMORY).reason == "it ran out of memory (OUT OF MEMORY)"
    assert _decide(None, S.CANCELLED).reason == "it was cancelled (CANCELLED)"
    assert _decide(End.FAILED, S.FAILED).reason == "its reason"
    assert "does not know it any longer" in _decide(None).reason
