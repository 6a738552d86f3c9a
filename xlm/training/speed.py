"""How fast a run goes, as JSON lines in the logs, for people and for the progress display.

speed = SpeedLines(logs / SPEED_FILE, update=0, total=200_000, every=25)
speed.count(1, batch.real_tokens)
"""

import time
from pathlib import Path

from xlm.training.metrics import JsonLines


class SpeedLines:
    """Updates, and tokens or rows, per second, now and then."""

    def __init__(
        self,
        path: Path,
        *,
        update: int,
        total: int,
        every: int,
        note: str = "",
        unit: str = "tokens",
    ) -> None:
        self._lines = JsonLines(path, start_bytes=path.stat().st_size if path.exists() else 0)
        self._total, self._every, self._note, self._unit = total, every, note, unit
        self._update, self._amount, self._since = update, 0, time.monotonic()

    def count(self, update: int, amount: int) -> None:
        """Count one update and what it held; now and then write a line."""
        self._amount += amount
        if update % self._every and update != self._total:
            return
        now = time.monotonic()
        seconds = max(now - self._since, 1e-9)
        self._lines.append(
            {
                "step": update,
                "total": self._total,
                "seconds": round(seconds, 3),
                f"{self._unit}_per_second": round(self._amount / seconds),
                "steps_per_second": round((update - self._update) / seconds, 2),
                "note": self._note,
            }
        )
        self._update, self._amount, self._since = update, 0, now
