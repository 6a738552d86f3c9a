"""What the driver reports about a running job, from the files that the main process writes.

    reader = ThroughputReader(logs / SPEED_FILE, progress, "updates")
    records = reader.update()        # new lines of speed.jsonl, as progress
    reader.rates()                   # mean rates of the whole job

The driver polls these files a few times a second. They work over any file system that driver and
processes share, and need no connection.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xlm.display.markdown import format_duration
from xlm.display.progress import Progress
from xlm.processes.follow import JsonFollower
from xlm.training.launch.job import DOCUMENTS

_LOG_INTERVAL_SECONDS = 50.0
"""Together with the time until the next poll, less than a minute."""
_SHARES = ("mfu", "waiting_share")
_PEAKS = ("gpu_memory_bytes",)


class ThroughputReader:
    """Turns the lines of `speed.jsonl` into progress and mean rates."""

    def __init__(self, path: Path, progress: Progress, unit: str) -> None:
        self._follower = JsonFollower(path)
        self._progress = progress
        self._unit = unit
        self._amounts: dict[str, float] = {}
        self._peaks: dict[str, float] = {}
        self._seconds = 0.0

    def rates(self) -> dict[str, float]:
        """Mean rates and shares over all lines, and the peak of GPU memory."""
        means = {name: amount / self._seconds for name, amount in self._amounts.items()}
        return means | self._peaks

    def update(self) -> list[dict[str, Any]]:
        """Report the lines that were written since the last call, and return them."""
        records = list(self._follower.new_records())
        for record in records:
            self._add(record)
            note = record["note"]
            if "tokens_per_second" in record:
                note = f"{record['tokens_per_second']:,} tokens/s"
            if "mfu" in record:
                note += f", {100 * record['mfu']:.1f} % of the peak"
            self._progress.update(record["step"], record["total"], self._unit, note)
        return records

    def _add(self, record: Mapping[str, Any]) -> None:
        seconds = record.get("seconds", 0.0)
        self._seconds += seconds
        for name, value in record.items():
            if name.endswith("_per_second") or name in _SHARES:
                self._amounts[name] = self._amounts.get(name, 0.0) + value * seconds
            elif name in _PEAKS:
                self._peaks[name] = max(self._peaks.get(name, 0.0), value)


class DocumentReader:
    """Shows the Markdown documents in the logs whenever they change."""

    def __init__(self, logs: Path, progress: Progress) -> None:
        self._paths = [logs / f"{name}.md" for name in DOCUMENTS]
        self._progress = progress
        # Documents of an earlier attempt are not shown again.
        self._modified = {path: _modified(path) for path in self._paths}

    def update(self) -> None:
        """Show each document that changed since the last call."""
        for path in self._paths:
            modified = _modified(path)
            if modified != self._modified[path]:
                self._modified[path] = modified
                with suppress(FileNotFoundError):  # the job removes those of an earlier attempt
                    self._progress.show(path.stem, path.read_text(encoding="utf-8"))


class StatusLog:
    """Logs a line about the job's progress: at its first record, once a minute, at its end.

        log = StatusLog(progress, "updates", losses=scratch / METRICS_FILE)
        log.take(record)   # each new line of speed.jsonl
        log.tick()         # a few times a second

    A line holds the number of updates, losses, rates and the time left.
    """

    def __init__(self, progress: Progress, unit: str, *, losses: Path) -> None:
        """`losses` is the job's `metrics.jsonl`; it need not exist."""
        self._progress, self._unit = progress, unit
        self._follower = JsonFollower(losses)
        self._losses: Mapping[str, float] = {}
        self._line: str | None = None
        self._is_new = False
        self._received = self._logged = time.monotonic()

    def take(self, record: Mapping[str, Any]) -> None:
        """Remember the newest record; log the first and the last one at once."""
        for metrics in self._follower.new_records():
            self._losses = metrics.get("loss", self._losses)
        losses = {"loss": record["loss"]} if "loss" in record else self._losses
        is_first = self._line is None
        self._line, self._is_new = status_line(record, self._unit, losses), True
        self._received = time.monotonic()
        if is_first or record["step"] == record["total"]:
            self._log(self._line)

    def tick(self) -> None:
        """Log the newest record if the last line is a minute old."""
        now = time.monotonic()
        if now - self._logged < _LOG_INTERVAL_SECONDS:
            return
        line = self._line or f"no {self._unit.removesuffix('s')} yet"
        silence = "" if self._is_new else f"; no news for {format_duration(now - self._received)}"
        self._log(line + silence)

    def _log(self, line: str) -> None:
        self._logged, self._is_new = time.monotonic(), False
        self._progress.log(line, repeats_progress=True)


def status_line(record: Mapping[str, Any], unit: str, losses: Mapping[str, float]) -> str:
    """A record of `speed.jsonl` in words: updates, the losses by name, rates, time left."""
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


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
