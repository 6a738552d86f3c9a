"""Progress of a long command: a line on standard error about every 30 seconds.

    with ProgressLines("bpe learn", "merges", total=30_000) as progress:
        progress.update(1)

For commands that write their results at the end, or into a pipe: nothing else shows that they work.
"""

import sys
import threading
import time

from xlm.display.markdown import format_duration
from xlm.display.progress_rate import ProgressRate

_EVERY_SECONDS = 25.0
"""As in a piped run: with the time to print it, a line about every 30 s."""


class ProgressLines:
    """Prints a line at intervals; use it as a context manager around the work.

    Args:
        title: the command.
        unit: what is counted, in the plural.
        total: how many there are; None: unknown.
        beginning: what happens before the first report.
        every_seconds: the interval.
    """

    def __init__(
        self,
        title: str,
        unit: str,
        *,
        total: int | None = None,
        beginning: str = "",
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        self._title, self._unit, self._beginning = title, unit, beginning
        self._total = total
        self._every_seconds = every_seconds
        self._done = 0
        self._rate = ProgressRate()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._began = time.monotonic()
        self._printer = threading.Thread(target=self._print, daemon=True)

    def __enter__(self) -> "ProgressLines":
        self._printer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._printer.join()

    def update(self, done: int) -> None:
        """Report how many are done so far."""
        with self._lock:
            self._done = done
            self._rate.report(time.monotonic(), done)

    def line(self) -> str:
        """How many are done so far, how many per second, and the time left."""
        elapsed = format_duration(time.monotonic() - self._began)
        with self._lock:
            if not self._done:
                return "  ".join(filter(None, [self._title, elapsed, self._beginning]))
            of_total = "" if self._total is None else f"/{self._total:,}"
            facts = [f"{self._done:,}{of_total} {self._unit}"]
            if rate := self._rate.rate():
                facts.append(f"{rate:,.0f}/s")
            if (left := self._rate.seconds_left(self._total)) is not None:
                facts.append(f"{format_duration(left)} left")
        return "  ".join([self._title, elapsed, *facts])

    def _print(self) -> None:
        while not self._end.wait(self._every_seconds):
            sys.stderr.write(f"xlm: {self.line()}\n")
