"""The programs that one run has started, so that another thread can end them all at once.

programs = ProgramGroup()
with programs.collecting():      # in the threads that do the work
    run_process(...)
programs.end()                   # in the thread that hears Ctrl-C
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Endable(Protocol):
    """A running program that can be asked to end, from any thread."""

    def ask_to_end(self) -> None:
        """Ask it, and do not wait; one that has ended is left alone."""
        ...


class ProgramGroup:
    """What starts inside of `collecting` belongs to the group; what starts late ends at once."""

    def __init__(self) -> None:
        self._members: set[Endable] = set()
        self._ended = False
        self._lock = threading.Lock()

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Programs that this thread starts inside belong to the group."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def add(self, program: Endable) -> None:
        """Take in a program that has just started."""
        with self._lock:
            self._members.add(program)
            ended = self._ended
        if ended:
            program.ask_to_end()

    def remove(self, program: Endable) -> None:
        """Forget a program that has ended."""
        with self._lock:
            self._members.discard(program)

    def end(self) -> None:
        """Ask all members, and all that start from now on, to end; returns at once."""
        with self._lock:
            self._ended = True
            members = tuple(self._members)
        for program in members:
            program.ask_to_end()


_current: ContextVar[ProgramGroup | None] = ContextVar("program_group", default=None)


def current_group() -> ProgramGroup | None:
    """The group of the calling thread's work, if it has one."""
    return _current.get()
