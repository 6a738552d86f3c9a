"""Stops a run from another thread: its programs, its stages and its waits.

interruption = Interruption()
with interruption.programs.collecting():      # in the threads that build nodes
    ...
interruption.interrupt()                      # in the thread that receives Ctrl-C
"""

import threading

from xlm.errors import PipelineError
from xlm.processes.group import ProgramGroup


class Interruption:
    """Whether a run was interrupted. True in a boolean context if so."""

    def __init__(self) -> None:
        self.programs = ProgramGroup()
        self._event = threading.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def interrupt(self) -> None:
        """Stop the run without waiting for it; the next run continues from there.

        Programs receive a signal, stages stop at their next progress report, and nobody waits for
        the locks of other runs any longer.
        """
        self._event.set()
        self.programs.end()

    def check(self) -> None:
        """Raise a `PipelineError` if the run was interrupted."""
        if self:
            raise PipelineError("interrupted", fix="run the same command again to continue")
