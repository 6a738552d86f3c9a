"""Ends a run in a terminal after a signal, with the right exit code.

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
from collections.abc import Callable, Sequence
from contextlib import suppress

from xlm.engine.events import Finished, NoObserver
from xlm.errors import RequeueError
from xlm.processes import lasting, signals

_SAVE_SECONDS = 30.0
"""Time for programs to save their work."""
_REST_SECONDS = 15.0
"""Time for everything else to end after that."""
_PATIENT_INTERRUPTS = 2
"""One more Ctrl-C ends the run without waiting for work to be saved."""
_ASK_SECONDS = 10.0
"""Time to press Ctrl-C again, to cancel the jobs on a cluster too."""


class Interruption(NoObserver):
    """Handles signals; an observer of whether training has saved its state."""

    def __init__(
        self, *, save_seconds: float = 0.0, answer: Callable[[str], None] | None = None
    ) -> None:
        """Handle no signal yet.

        Args:
            save_seconds: time for training to save its state.
            answer: prints a line to the user, also from a signal handler; None: standard error.
        """
        self._save_seconds = max(_SAVE_SECONDS, save_seconds)
        self._answer = answer or _print
        self._saved = False
        self._interrupts = 0
        self._taken = False

    def listen(self) -> None:
        """From now on, the first signal raises KeyboardInterrupt in the main thread."""
        signal.signal(signal.SIGINT, self._take)
        signals.listen(self._take)

    def finished(self, event: Finished) -> None:
        """Note that training was stopped in time."""
        self._saved |= event.saved

    def exit_code(self, interrupt: KeyboardInterrupt) -> int:
        """75 (`RequeueError`) if a scheduler can start the job again, else 128 + signal number."""
        return self._code(interrupt.args[0])

    def last_line(self) -> str:
        """What becomes of the work, for the end of the output."""
        if not (left := lasting.left_jobs()):
            return "interrupted; the same command continues from here"
        return (
            f"interrupted; {', '.join(left)} {_go(left)} on, "
            f"and the same command waits for {_them(left)}"
        )

    def _take(self, number: int, frame: object) -> None:
        self._interrupts += number == signal.SIGINT
        if self._taken:
            # Another exception would interrupt the wait for work to be saved.
            if self._interrupts > _PATIENT_INTERRUPTS:
                os._exit(self._code(signal.SIGINT))
            if self._interrupts == _PATIENT_INTERRUPTS:
                self._interrupt_again()
            return
        self._taken = True
        if number == signal.SIGINT and (jobs := lasting.lasting_jobs()):
            lasting.leave_after(_ASK_SECONDS)
            self._answer(
                f"xlm: {', '.join(jobs)} {_go(jobs)} on; press Ctrl-C again "
                f"within {_ASK_SECONDS:.0f} s to cancel {_them(jobs)}"
            )
        signals.ignore()
        threading.Thread(target=self._end_in_time, args=(number,), daemon=True).start()
        raise KeyboardInterrupt(number)

    def _interrupt_again(self) -> None:
        """Cancel the jobs on a cluster; work on this machine is being saved."""
        if jobs := lasting.lasting_jobs():
            lasting.cancel_jobs()
            self._answer(f"xlm: cancelling {', '.join(jobs)}")
        else:
            self._answer("xlm: saving unfinished work; press Ctrl-C again to exit without saving")

    def _end_in_time(self, number: int) -> None:
        """Exit when the time is up: a thread that computes cannot be stopped."""
        time.sleep(self._save_seconds + _REST_SECONDS)
        os._exit(self._code(number))

    def _code(self, number: int) -> int:
        if self._saved and number in signals.STOP_SIGNALS:
            return RequeueError.exit_code
        return 128 + number


def _go(jobs: Sequence[str]) -> str:
    return "goes" if len(jobs) == 1 else "go"


def _them(jobs: Sequence[str]) -> str:
    return "it" if len(jobs) == 1 else "them"


def _print(line: str) -> None:
    # Not through a stream: the signal may have interrupted a write to it.
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())
