"""The processes of a training job as the driver sees them: start, report, count.

    measured = launch_job(context, job, module="xlm.training.launch.entry", processes=2, ...)

No torch here: this runs in the driver.
"""

import time
from pathlib import Path
from typing import Any

from xlm.display.progress import Progress
from xlm.engine.config import Config
from xlm.engine.stage import StageContext
from xlm.processes.follow import JsonFollower
from xlm.processes.tools import tool_environment
from xlm.training.launch.job import DOCUMENTS, METRICS_FILE, SPEED_FILE, write_job
from xlm.training.launch.launcher import Launch, Launcher
from xlm.training.launch.local import LocalLauncher
from xlm.training.monitoring.training_log import TrainingLog

_SHARES = ("mfu", "waiting_share")
_PEAKS = ("gpu_memory_bytes",)


def launch_job(
    context: StageContext[Any],
    job: Config,
    *,
    module: str,
    processes: int,
    threads_per_process: int,
    timeout_seconds: float | None,
    unit: str,
    launcher: Launcher | None,
    save_seconds: float = 30,
) -> dict[str, float]:
    """Run a job's processes to their end, report their progress, and return what they cost.

    Raises:
        XlmError: what a process said went wrong.
        ToolError: the processes failed without a word.
    """
    for directory in (context.out, context.scratch, context.logs):
        directory.mkdir(parents=True, exist_ok=True)
    path = context.scratch / "job.json"
    write_job(path, job)
    started = time.monotonic()
    report = SpeedReport(context.logs / SPEED_FILE, context.progress, unit)
    documents = Documents(context.logs, context.progress)
    log = TrainingLog(context.progress, unit, losses=context.scratch / METRICS_FILE)

    def on_wait() -> None:
        for record in report.update():
            log.take(record)
        log.tick()
        documents.update()

    result = (launcher or LocalLauncher()).run(
        Launch(
            module=module,
            job=path,
            processes=processes,
            threads_per_process=threads_per_process,
            log_path=context.logs / "processes.log",
            timeout_seconds=timeout_seconds,
            # Figures are drawn there; without a cache matplotlib would use the home.
            environment=tool_environment(context.cache) if context.cache else {},
            save_seconds=save_seconds,
        ),
        on_wait,
    )
    on_wait()
    return {
        "seconds": time.monotonic() - started,
        **result.measured(),
        **report.rates(),
    }


class SpeedReport:
    """Turns the speed lines of the leading process into progress and mean rates."""

    def __init__(self, path: Path, progress: Progress, unit: str) -> None:
        self._follower = JsonFollower(path)
        self._progress = progress
        self._unit = unit
        self._amounts: dict[str, float] = {}
        self._peaks: dict[str, float] = {}
        self._seconds = 0.0

    def rates(self) -> dict[str, float]:
        """Means over all that was reported, of rates and shares; the peak of the GPU's memory."""
        means = {name: amount / self._seconds for name, amount in self._amounts.items()}
        return means | self._peaks

    def update(self) -> list[dict[str, Any]]:
        """Report what came since the last call, and return it."""
        records = list(self._follower.new_records())
        for record in records:
            seconds = record.get("seconds", 0.0)
            self._seconds += seconds
            for name, value in record.items():
                if name.endswith("_per_second") or name in _SHARES:
                    self._amounts[name] = self._amounts.get(name, 0.0) + value * seconds
                elif name in _PEAKS:
                    self._peaks[name] = max(self._peaks.get(name, 0.0), value)
            note = record["note"]
            if "tokens_per_second" in record:
                note = f"{record['tokens_per_second']:,} tokens/s"
            if "mfu" in record:
                note += f", {100 * record['mfu']:.1f} % of the peak"
            self._progress.update(record["step"], record["total"], self._unit, note)
        return records


class Documents:
    """Passes on the documents that the leading process leaves in the logs, whenever they change."""

    def __init__(self, logs: Path, progress: Progress) -> None:
        self._paths = [logs / f"{name}.md" for name in DOCUMENTS]
        self._progress = progress
        # What an earlier attempt left is not news.
        self._seen = {path: _changed(path) for path in self._paths}

    def update(self) -> None:
        """Show what is new since the last call."""
        for path in self._paths:
            changed = _changed(path)
            if changed != self._seen[path]:
                self._seen[path] = changed
                self._progress.show(path.stem, path.read_text(encoding="utf-8"))


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
