"""Keeps SIGUSR1 from processes that only help.

    with without_notice():
        subprocess.Popen(...)

Slurm says with it that time is nearly over, to every process of a job if it is asked that way. The
driver and the training processes take it; it would end all others in the middle of their work.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

NOTICE = signal.SIGUSR1


@contextmanager
def without_notice() -> Iterator[None]:
    """Processes that this thread starts inside have SIGUSR1 blocked from their first moment.

    A mask outlives fork and exec; a handler or a disposition that they set comes too late.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [NOTICE])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
