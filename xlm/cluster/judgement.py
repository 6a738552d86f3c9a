"""How an attempt ended, from the exit codes and error reports of its processes."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from xlm.cluster.records import End
from xlm.errors import PeerLostError, RequeueError, XlmError
from xlm.processes.follow import log_tail

DONE_CODE: Final = 0
FAILED_CODE: Final = 1
CANNOT_GO_ON_CODE: Final = 3
STOPPED_CODE: Final = RequeueError.exit_code


@dataclass(frozen=True)
class Ended:
    """The processes of one node after their end."""

    codes: Sequence[int]
    """Exit statuses; negative: the number of the signal that ended it."""
    stopped: bool
    """Whether we asked them to stop."""
    logs: Sequence[Path] = ()
    log_bytes: Sequence[int] = field(default_factory=list)
    """Sizes of the logs when the processes started."""
    first_rank: int = 0
    failed_peer: tuple[int, int] | None = None
    """Number and exit code of another node, if we ended the processes because it has failed."""


def judge(ended: Ended, error: XlmError | None) -> tuple[End, int, str]:
    """How the attempt ended, the exit code of the agent, and the reason.

    Args:
        ended: the processes of this node.
        error: the first error that a process of any node has reported.
    """
    if ended.codes and not any(ended.codes):
        return End.DONE, DONE_CODE, ""
    if error is not None and not isinstance(error, PeerLostError | RequeueError):
        return End.CANNOT_GO_ON, CANNOT_GO_ON_CODE, error.what
    saved = {0, STOPPED_CODE}
    if ended.stopped:
        # It had no state to save yet, or never has: finished parts of its work are kept.
        saved |= {-signal.SIGTERM}
    peer_saved = ended.failed_peer is None or ended.failed_peer[1] == STOPPED_CODE
    if set(ended.codes) <= saved and peer_saved:
        return End.STOPPED, STOPPED_CODE, ""
    return End.FAILED, FAILED_CODE, _reason(ended, error)


def _reason(ended: Ended, error: XlmError | None) -> str:
    """The first process that ended without a report, or else that of a lost process."""
    silent = [
        number
        for number, code in enumerate(ended.codes)
        if code not in (DONE_CODE, CANNOT_GO_ON_CODE, STOPPED_CODE)
    ]
    if ended.failed_peer is not None and error is not None:
        return error.what
    if ended.failed_peer is not None:
        return "node {} failed with exit code {}; see its log".format(*ended.failed_peer)
    if not silent:
        return error.what if error is not None else "a process reported no reason"
    number, code = silent[0], ended.codes[silent[0]]
    if code < 0:
        try:
            how = f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            how = f"was killed by signal {-code}"
    else:
        how = f"ended with status {code}"
    tail = ""
    if number < len(ended.logs) and ended.logs[number].exists():
        tail = f": {log_tail(ended.logs[number], ended.log_bytes[number])}"
    return f"process {ended.first_rank + number} {how}{tail}"
