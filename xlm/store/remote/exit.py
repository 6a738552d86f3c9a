"""Lets obstore hand over its answers before the interpreter ends.

    wait_at_exit()

A thread of obstore that gets an answer calls the event loop. The caller may go on, and the process
end, before that call has returned. A thread that then asks for the interpreter is ended by it, and
takes the whole process with it: the command has done its work, and exits with SIGABRT
(PyO3/pyo3#4874; PyO3/pyo3-async-runtimes#40).
"""

import asyncio
import atexit
import sys
import time
from types import FrameType

_MOST_SECONDS = 5.0


def wait_at_exit() -> None:
    """Register the wait; a second call changes nothing."""
    atexit.unregister(_wait)
    atexit.register(_wait)


def _wait() -> None:
    end = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < end and any(map(_is_answering, sys._current_frames().values())):
        time.sleep(0.002)


def _is_answering(frame: FrameType | None) -> bool:
    """Whether a thread is in a call that wakes an event loop."""
    while frame is not None:
        if frame.f_code is asyncio.BaseEventLoop.call_soon_threadsafe.__code__:
            return True
        frame = frame.f_back
    return False
