"""What to do next about a job: a pure function of what its agent and its scheduler report.

    verdict(outcome, seen, failures=0, max_attempts=3, settled=False)

The agent knows how its processes ended, the scheduler whether the job may still run and why it was
ended. Neither is enough: the agent may be killed, and the scheduler forgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from xlm.cluster.job import JobState, SeenJob
from xlm.cluster.records import End, Outcome


class Decision(StrEnum):
    """What to do next."""

    WAIT = "wait"
    DONE = "done"
    SUBMIT = "submit again"
    GIVE_UP = "give up"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Verdict:
    """A decision and its reason."""

    decision: Decision
    reason: str = ""
    is_failure: bool = False
    """Whether an attempt of the job has failed, which may happen only a few times."""
    fix: str = ""


_WAIT = Verdict(Decision.WAIT)


def verdict(
    outcome: Outcome | None,
    seen: Sequence[SeenJob],
    *,
    failures: int,
    max_attempts: int,
    settled: bool,
    is_submitted: bool = True,
    is_cancelled: bool = False,
) -> Verdict:
    """Decide about the job of one submission.

    Args:
        outcome: the end of the last attempt by its agent; None if it reported none.
        seen: the job as the scheduler shows it, with duplicates by lost answers; empty: the
            scheduler does not know it. An outage is none of these: then nothing is decided.
        failures: number of attempts that have failed before.
        max_attempts: number of attempts that may fail.
        settled: whether this has been so for some seconds. An outcome, or a job that was just
            submitted, may become visible late.
        is_submitted: whether the scheduler has answered the submission.
        is_cancelled: whether somebody has cancelled it since we wait for it.
    """
    live = [job for job in seen if job.state.is_live]
    if outcome is not None and outcome.end == End.DONE:
        # A duplicate that waits for its turn would find the work done.
        may_still_write = any(not outcome.job_id or job.job_id == outcome.job_id for job in live)
        return _WAIT if may_still_write and not settled else Verdict(Decision.DONE)
    if live or (outcome is None and not settled):
        return _WAIT
    state, words = (seen[-1].state, seen[-1].words) if seen else (None, "")
    if is_cancelled:
        return Verdict(Decision.CANCELLED, "it was cancelled on request")
    if outcome is None and not seen and not is_submitted:
        return Verdict(Decision.SUBMIT, "its submission did not arrive")
    if outcome is not None and outcome.end == End.CANNOT_GO_ON:
        return Verdict(Decision.GIVE_UP, outcome.reason)
    if state == JobState.CANCELLED:
        return Verdict(Decision.CANCELLED, f"it was cancelled ({words})")
    if state == JobState.OUT_OF_MEMORY:
        fix = "ask for more memory (launcher), or lower the tokens per batch; see its log"
        return Verdict(Decision.GIVE_UP, f"it ran out of memory ({words})", fix=fix)
    if state == JobState.INTERRUPTED:
        return Verdict(Decision.SUBMIT, f"it was interrupted ({words})")
    if outcome is not None and outcome.end == End.STOPPED:
        return Verdict(Decision.SUBMIT, "it was asked to stop and has saved its state")
    reason = outcome.reason if outcome is not None else _silent(state, words)
    if failures + 1 < max_attempts:
        return Verdict(Decision.SUBMIT, reason, is_failure=True)
    return Verdict(Decision.GIVE_UP, reason, is_failure=True)


def _silent(state: JobState | None, words: str) -> str:
    if state is None:
        return "the scheduler does not know it any longer, and it has left no result"
    return f"it ended without a result ({words})"
