"""The programs that a run has started, so that another thread can end all of them at once.

programs = ProgramGroup()
with programs.collecting():      # in the threads that do the work
    run_process(...)
programs.end()                   # in the thread that handles Ctrl-C
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Endable(Protocol):
    """A running program that can be asked to end, from any thread."""

    def ask_to_end(self) -> None:
        """Ask it and do not wait; does nothing if the program has ended."""
        ...


class ProgramGroup:
    """Holds the programs that start inside `collecting`; after `end`, new ones end at once."""

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
        """Add a program that has just started."""
        with self._lock:
            self._members.add(program)
            ended = self._ended
        if ended:
            program.ask_to_end()

    def remove(self, program: Endable) -> None:
        """Remove a program that has ended."""
        with self._lock:
            self._members.discard(program)

    def end(self) -> None:
        """Ask all programs to end, also those that start later; returns at once."""
        with self._lock:
            self._ended = True
            members = tuple(self._members)
        for program in members:
            program.ask_to_end()


_current: ContextVar[ProgramGroup | None] = ContextVar("program_group", default=None)


def current_group() -> ProgramGroup | None:
    """The group of the calling thread, if it has one."""
    return _current.get()
