"""Progress of transfers on standard error: a changing line in a terminal, else one a minute."""

import sys
import time

from xlm.display.markdown import format_duration, format_size
from xlm.display.progress import NoProgress
from xlm.display.progress_rate import ProgressRate

_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 60.0
_CLEAR_LINE = "\r\x1b[K"


class TransferProgress(NoProgress):
    """Prints how much of one file has arrived."""

    def __init__(self) -> None:
        self._in_terminal = sys.stderr.isatty()
        self._every_seconds = _TERMINAL_SECONDS if self._in_terminal else _LOG_SECONDS
        self._printed = time.monotonic()
        self._rate = ProgressRate()

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Print a line, unless the last one is recent."""
        now = time.monotonic()
        self._rate.report(now, done)
        if now - self._printed < self._every_seconds:
            return
        self._printed = now
        facts = [note, format_size(round(done))]
        if total is not None:
            facts[1] += f" of {format_size(round(total))}"
        if rate := self._rate.rate():
            facts.append(f"{format_size(round(rate))}/s")
        if (left := self._rate.seconds_left(total)) is not None:
            facts.append(f"{format_duration(left)} left")
        line = "  ".join(facts)
        sys.stderr.write(f"{_CLEAR_LINE}{line}" if self._in_terminal else f"xlm: {line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Remove the changing line."""
        if self._in_terminal:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()
