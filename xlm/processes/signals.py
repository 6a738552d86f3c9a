"""The signals that end a run: how a process handles them, blocks them and keeps them from helpers.

A starter blocks these signals before it starts a process; the process unblocks them once it has a
handler. So no signal is lost between the start of a process and its first handler.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

NOTICE = signal.SIGUSR1
"""Slurm sends it before the time limit, to every process of a job if the user asks for that."""
STOP_SIGNALS = (signal.SIGTERM, NOTICE, signal.SIGHUP)
"""Training saves its state. Schedulers send SIGTERM; a closed terminal sends SIGHUP."""
END_SIGNALS = (signal.SIGINT, *STOP_SIGNALS)
"""Ctrl-C, and every signal that stops training."""


def listen(handler: Callable[[int, FrameType | None], None]) -> None:
    """Install `handler` for the stop signals; SIGHUP stays ignored under `nohup`."""
    for number in STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def ignore() -> None:
    """Ignore all further stop signals."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def release() -> None:
    """Unblock the stop signals that the starter of this process blocked."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextmanager
def without_notice() -> Iterator[None]:
    """Start processes with NOTICE blocked, which would end them in the middle of their work.

    Only the driver and the training processes handle it. A signal mask survives fork and exec;
    a handler that the process installs would come too late.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [NOTICE])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def as_argument(signals: Iterable[int]) -> str:
    """Signal numbers for the command line of a program that cannot import this module."""
    return ",".join(str(int(number)) for number in signals)
