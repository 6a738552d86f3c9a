"""The signals that ask training to stop: it saves its state and ends with exit code 75.

    leave_when_asked(job)      # first of all in a training process, while torch is being imported
    listen(handler)            # later: the trainer's own handler

The starter holds these signals back from a process until it says what becomes of them, so that none
is lost between its first moment and its first handler.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from xlm.errors import RequeueError
from xlm.launch.failure import write_failure

STOP_REQUESTS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
"""What schedulers send, what Slurm sends when time is nearly over, a terminal that goes away."""


def stopped() -> RequeueError:
    """What a process says that was asked to stop, and lost nothing."""
    return RequeueError(
        "training was asked to stop and has saved its state", fix="start it again to go on"
    )


def listen(handler: Callable[[int, FrameType | None], None]) -> None:
    """Let `handler` take the requests; a hangup that `nohup` had ignored stays ignored."""
    for number in STOP_REQUESTS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def ignore() -> None:
    """Take no further request."""
    for number in STOP_REQUESTS:
        signal.signal(number, signal.SIG_IGN)


def release() -> None:
    """Let requests through that the starter held back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_REQUESTS)


def leave_when_asked(job: Path) -> None:
    """Until the next `listen`, end at once when asked: no update was computed, so none is lost."""

    def leave(number: int, frame: FrameType | None) -> None:
        ignore()
        write_failure(job, stopped())
        # Not by an exception: it may strike anywhere inside of the import of torch.
        os._exit(RequeueError.exit_code)

    listen(leave)
    release()
