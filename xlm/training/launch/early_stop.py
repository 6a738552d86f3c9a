"""Ends a training process that is asked to stop before its trainer listens.

    leave_when_asked(job)      # the first call of a process, while torch is still being imported

Stop signals make training save its state and exit with code 75 (`RequeueError`). Until the first
update there is no state to save.
"""

import os
from pathlib import Path
from types import FrameType

from xlm.errors import RequeueError
from xlm.processes import signals
from xlm.training.launch.failure import write_failure


def stopped() -> RequeueError:
    """The error of a process that was asked to stop and has lost nothing."""
    return RequeueError(
        "training was asked to stop and has saved its state", fix="start it again to go on"
    )


def leave_when_asked(job: Path) -> None:
    """Exit at the first stop signal, until the trainer calls `signals.listen`."""

    def leave(number: int, frame: FrameType | None) -> None:
        signals.ignore()
        write_failure(job, stopped())
        # Not by an exception: it may strike anywhere inside of the import of torch.
        os._exit(RequeueError.exit_code)

    signals.listen(leave)
    signals.release()
