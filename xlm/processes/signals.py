"""The signals that end a run, and how a process takes them or holds them back.

A starter blocks these signals before it starts a process; the process releases them once it has a
handler. So no signal is lost between the first moment of a process and its first handler.
"""

import signal
from collections.abc import Callable
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
"""Schedulers send SIGTERM; Slurm sends SIGUSR1 before the time limit; a closed terminal SIGHUP."""
END_SIGNALS = (signal.SIGINT, *STOP_SIGNALS)
"""Ctrl-C, and every signal that asks training to stop."""


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
