"""How a signal ends a run in a terminal, and with which exit code.

interruption = Interruption()
interruption.listen()
try:
    run(observer=interruption)
except KeyboardInterrupt as interrupt:
    return interruption.exit_code(interrupt)
"""

import os
import signal
import threading
import time

from xlm.cli.run import END_SIGNALS
from xlm.errors import RequeueError
from xlm.pipeline.observer import Finished, NoObserver

_REQUESTS = (signal.SIGTERM, signal.SIGUSR1)
"""What schedulers send; Ctrl-C is a person's."""
_SAVE_SECONDS = 30.0
"""What programs get to save their work."""
_REST_SECONDS = 15.0
"""What all else gets to end once they have."""


class Interruption(NoObserver):
    """Takes signals; watches whether training that they stopped has saved its state."""

    def __init__(self) -> None:
        self._save_seconds = _SAVE_SECONDS
        self._saved = False

    def listen(self) -> None:
        """Let each of the end signals raise KeyboardInterrupt in the main thread from now on."""
        for number in END_SIGNALS:
            signal.signal(number, self._take)

    def allow(self, *, save_seconds: float) -> None:
        """Let training take longer to save its state than other programs may."""
        self._save_seconds = max(_SAVE_SECONDS, save_seconds)

    def finished(self, event: Finished) -> None:
        """Note that training was stopped in time."""
        self._saved |= event.saved

    def exit_code(self, interrupt: KeyboardInterrupt) -> int:
        """That of RequeueError for a scheduler whose job can go on, else a shell's for signals."""
        return self._code(interrupt.args[0])

    def _take(self, number: int, frame: object) -> None:
        # Once is enough: another would break off the wait for what is being saved.
        for request in _REQUESTS:
            signal.signal(request, signal.SIG_IGN)
        threading.Thread(target=self._end_in_time, args=(number,), daemon=True).start()
        raise KeyboardInterrupt(number)

    def _end_in_time(self, number: int) -> None:
        """A thread that computes cannot be stopped: what it made so far is not lost by an exit."""
        time.sleep(self._save_seconds + _REST_SECONDS)
        os._exit(self._code(number))

    def _code(self, number: int) -> int:
        if self._saved and number in _REQUESTS:
            return RequeueError.exit_code
        return 128 + number
