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
from contextlib import suppress

from xlm.engine.events import Finished, NoObserver
from xlm.errors import RequeueError
from xlm.processes import signals

_SAVE_SECONDS = 30.0
"""What programs get to save their work."""
_REST_SECONDS = 15.0
"""What all else gets to end once they have."""
_PATIENT_INTERRUPTS = 2
"""A person who presses Ctrl-C once more than this does not want to wait for what is being saved."""


class Interruption(NoObserver):
    """Takes signals; watches whether training that they stopped has saved its state."""

    def __init__(self, *, save_seconds: float = 0.0) -> None:
        """`save_seconds`: how long training may take to save its state."""
        self._save_seconds = max(_SAVE_SECONDS, save_seconds)
        self._saved = False
        self._interrupts = 0
        self._taken = False

    def listen(self) -> None:
        """Let the first signal that ends raise KeyboardInterrupt in the main thread from now on."""
        signal.signal(signal.SIGINT, self._take)
        signals.listen(self._take)

    def finished(self, event: Finished) -> None:
        """Note that training was stopped in time."""
        self._saved |= event.saved

    def exit_code(self, interrupt: KeyboardInterrupt) -> int:
        """That of RequeueError for a scheduler whose job can go on, else a shell's for signals."""
        return self._code(interrupt.args[0])

    def _take(self, number: int, frame: object) -> None:
        self._interrupts += number == signal.SIGINT
        if self._taken:
            # Another exception would break off the wait for what is being saved.
            if self._interrupts > _PATIENT_INTERRUPTS:
                os._exit(self._code(signal.SIGINT))
            if self._interrupts == _PATIENT_INTERRUPTS:
                _say("xlm: saving what is under way; press Ctrl-C once more to end without it\n")
            return
        self._taken = True
        signals.ignore()
        threading.Thread(target=self._end_in_time, args=(number,), daemon=True).start()
        raise KeyboardInterrupt(number)

    def _end_in_time(self, number: int) -> None:
        """A thread that computes cannot be stopped: what it made so far is not lost by an exit."""
        time.sleep(self._save_seconds + _REST_SECONDS)
        os._exit(self._code(number))

    def _code(self, number: int) -> int:
        if self._saved and number in signals.STOP_SIGNALS:
            return RequeueError.exit_code
        return 128 + number


def _say(line: str) -> None:
    # Not through a stream: the handler may have struck in the middle of a write to it.
    with suppress(OSError):
        os.write(2, line.encode())
