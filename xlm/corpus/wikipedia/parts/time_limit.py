"""Limits the CPU time that one page may take, in the main thread of a process.

    with PageClock() as clock:
        with clock.limit(seconds):       # PageTooSlowError
            cleaner.lines(title, text)

CPU time does not depend on how busy the machine is. The timer interrupts Python code and the search
of a regular expression.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

_TIMER, _SIGNAL = signal.ITIMER_VIRTUAL, signal.SIGVTALRM


class PageTooSlowError(Exception):
    """A page took longer than its limit."""


class PageClock:
    """Sets a timer for one page after another; only the main thread can receive its signal."""

    def __init__(self) -> None:
        self._is_main = threading.current_thread() is threading.main_thread()
        self._is_running = False

    def __enter__(self) -> Self:
        if self._is_main:
            self._before = signal.signal(_SIGNAL, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_main:
            signal.signal(_SIGNAL, self._before)

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Interrupt the block after `seconds` of CPU time.

        Raises:
            PageTooSlowError: it took longer.
        """
        if not self._is_main:
            yield
            return
        self._is_running = True
        signal.setitimer(_TIMER, seconds)
        try:
            yield
        finally:
            # A signal that is already on its way finds that nothing runs.
            self._is_running = False
            signal.setitimer(_TIMER, 0)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._is_running:
            raise PageTooSlowError
