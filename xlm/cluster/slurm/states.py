"""The states of Slurm in our words; see https://slurm.schedmd.com/job_state_codes.html.

A job that is REVOKED runs on another cluster of a federation, or did, and never starts here.
"""

import re

from xlm.cluster.job import JobState
from xlm.errors import RequeueError

_STATES = {
    JobState.PENDING: ("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD",
                       "SPECIAL_EXIT", "CONFIGURING", "POWER_UP_NODE", "EXPEDITING"),
    JobState.RUNNING: ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT",
                       "RESIZING", "UPDATE_DB"),
    JobState.SUCCEEDED: ("COMPLETED",),
    JobState.FAILED: ("FAILED", "DEADLINE", "LAUNCH_FAILED", "RECONFIG_FAIL"),
    JobState.OUT_OF_MEMORY: ("OUT_OF_MEMORY",),
    JobState.CANCELLED: ("CANCELLED",),
    JobState.INTERRUPTED: ("TIMEOUT", "PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REVOKED"),
}  # fmt: skip
_BY_NAME = {name: state for state, names in _STATES.items() for name in names}
_STATE = re.compile(r"[A-Z][A-Z_]*", re.ASCII)


def is_state(word: str) -> bool:
    """Whether a word looks like a state, known or not."""
    return _STATE.fullmatch(word.partition(" ")[0].rstrip("+")) is not None


def state_of(word: str, exit_code: int | None) -> JobState:
    """Our state for one of Slurm, such as `CANCELLED by 1000`.

    A job that left with 75 has saved its state, though Slurm calls that a failure.
    """
    state = _BY_NAME.get(word.partition(" ")[0].rstrip("+"), JobState.UNKNOWN)
    if state == JobState.FAILED and exit_code == RequeueError.exit_code:
        return JobState.INTERRUPTED
    return state
