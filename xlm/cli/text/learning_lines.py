"""What `xlm bpe learn` prints while it works: a line on standard error where it takes long.

    with LearningLines(codes=30_000) as lines:
        lines.merged(1)

Codes come at the end, all at once, so nothing else shows that it works.
"""

import sys
import threading
import time

from xlm.display.markdown import format_duration
from xlm.display.progress_rate import ProgressRate

_EVERY_SECONDS = 25.0
"""As a piped run does: with the time to print it, a line every 30 s."""


class LearningLines:
    """Prints at intervals; use as a context manager around the work."""

    def __init__(self, codes: int, every_seconds: float = _EVERY_SECONDS) -> None:
        self._codes = codes
        self._every_seconds = every_seconds
        self._merges = 0
        self._rate = ProgressRate()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._began = time.monotonic()
        self._printer = threading.Thread(target=self._print, daemon=True)

    def __enter__(self) -> "LearningLines":
        self._printer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._printer.join()

    def merged(self, merges: int) -> None:
        """Take in the number of merges so far."""
        with self._lock:
            self._merges = merges
            self._rate.report(time.monotonic(), merges)

    def line(self) -> str:
        """What is done, how fast, and the time left."""
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
