"""A line of the run's log for people, once a minute: step, losses, rate, time left.

log = TrainingLog(progress, "updates", losses=scratch / METRICS_FILE)
log.take(record)   # each new line of speed.jsonl
log.tick()         # many times a second
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm.display.markdown import format_duration
from xlm.display.progress import Progress
from xlm.processes.follow import JsonFollower

_INTERVAL_SECONDS = 50.0
"""With the time until the next tick, under a minute."""


class TrainingLog:
    """Logs where a job stands, in its first moment, each minute, and at its end."""

    def __init__(self, progress: Progress, unit: str, *, losses: Path) -> None:
        """Take the losses from a growing `metrics.jsonl`, where the job has one."""
        self._progress, self._unit = progress, unit
        self._follower = JsonFollower(losses)
        self._losses: Mapping[str, float] = {}
        self._line = f"no {unit.removesuffix('s')} yet"
        self._is_new = False
        self._since = self._logged = time.monotonic()

    def take(self, record: Mapping[str, Any]) -> None:
        """Take in the newest speed line; the first of all is logged at once."""
        for metrics in self._follower.new_records():
            self._losses = metrics.get("loss", self._losses)
        losses = {"loss": record["loss"]} if "loss" in record else self._losses
        first = self._line.startswith("no ")
        self._line, self._is_new = _line(record, self._unit, losses), True
        self._since = time.monotonic()
        if first or record["step"] == record["total"]:
            self._log(self._line)

    def tick(self) -> None:
        """Log, if it is time."""
        now = time.monotonic()
        if now - self._logged < _INTERVAL_SECONDS:
            return
        silence = "" if self._is_new else f"; no news for {format_duration(now - self._since)}"
        self._log(self._line + silence)

    def _log(self, line: str) -> None:
        self._logged, self._is_new = time.monotonic(), False
        self._progress.log(line)


def _line(record: Mapping[str, Any], unit: str, losses: Mapping[str, float]) -> str:
    facts = [f"{record['step']:,} of {record['total']:,} {unit}"]
    if record["note"]:
        facts.insert(0, record["note"])
    if losses:
        facts.append(", ".join(f"{name} {value:.3f}" for name, value in losses.items()))
    rates = [
        f"{value:,} {name.removesuffix('_per_second')}/s"
        for name, value in record.items()
        if name.endswith("_per_second") and name != "steps_per_second"
    ]
    if "steps_per_second" in record:
        rates.insert(0, f"{record['steps_per_second']:,} {unit}/s")
    if rates:
        facts.append(", ".join(rates))
    if "seconds_left" in record:
        facts.append(f"{format_duration(record['seconds_left'])} left")
    return "; ".join(facts)
