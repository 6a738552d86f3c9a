"""How fast a run goes, as JSON lines in the logs, for people and for the progress display.

speed = SpeedLines(job, update=0)
speed.count(1, batch.real_tokens)
"""

import time

from xlm.training.job import SPEED_FILE, PretrainJob
from xlm.training.metrics import JsonLines


class SpeedLines:
    """Tokens and updates per second, now and then."""

    def __init__(self, job: PretrainJob, update: int) -> None:
        path = job.logs / SPEED_FILE
        self._lines = JsonLines(path, start_bytes=path.stat().st_size if path.exists() else 0)
        self._total, self._every = job.pretrain.updates, job.pretrain.speed_updates
        self._update, self._tokens, self._since = update, 0, time.monotonic()

    def count(self, update: int, tokens: int) -> None:
        """Count one update; now and then write a line."""
        self._tokens += tokens
        if update % self._every and update != self._total:
            return
        now = time.monotonic()
        seconds = now - self._since
        self._lines.append(
            {
                "step": update,
                "total": self._total,
                "seconds": round(seconds, 3),
                "tokens_per_second": round(self._tokens / max(seconds, 1e-9)),
                "steps_per_second": round((update - self._update) / max(seconds, 1e-9), 2),
            }
        )
        self._update, self._tokens, self._since = update, 0, now
