"""Progress of `xlm bpe learn`: a line on standard error about every 30 seconds.

    with LearningProgress(codes=30_000) as progress:
        progress.update(1)

The merges are written at the end, all at once, so nothing else shows that it works.
"""

import sys
import threading
import time

from xlm.display.markdown import format_duration
from xlm.display.progress_rate import ProgressRate

_EVERY_SECONDS = 25.0
"""As in a piped run: with the time to print it, a line about every 30 s."""


class LearningProgress:
    """Prints a line at intervals; use it as a context manager around the work."""

    def __init__(self, codes: int, every_seconds: float = _EVERY_SECONDS) -> None:
        self._codes = codes
        self._every_seconds = every_seconds
        self._merges = 0
        self._rate = ProgressRate()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._began = time.monotonic()
        self._printer = threading.Thread(target=self._print, daemon=True)

    def __enter__(self) -> "LearningProgress":
        self._printer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._printer.join()

    def update(self, merges: int) -> None:
        """Report the number of merges so far."""
        with self._lock:
            self._merges = merges
            self._rate.report(time.monotonic(), merges)

    def line(self) -> str:
        """Merges so far, merges per second, and the time left."""
        elapsed = format_duration(time.monotonic() - self._began)
        with self._lock:
            if not self._merges:
                return f"bpe learn  {elapsed}  reading and counting words"
            facts = [f"{self._merges:,}/{self._codes:,} merges"]
            if rate := self._rate.rate():
                facts.append(f"{rate:,.0f}/s")
            if (left := self._rate.seconds_left(self._codes)) is not None:
                facts.append(f"{format_duration(left)} left")
        return "  ".join(["bpe learn", elapsed, *facts])

    def _print(self) -> None:
        while not self._end.wait(self._every_seconds):
            sys.stderr.write(f"xlm: {self.line()}\n")
