"""The parent side of a training job: write the job file, start the processes, report progress.

    measured = launch_job(context, job, module="xlm.training.launch.entry", processes=2, ...)

The driver runs in the process of the pipeline, which does not import torch.
"""

import time
from typing import Any

from xlm.engine.config import Config
from xlm.engine.stage import StageContext
from xlm.processes.tools import tool_environment
from xlm.training.launch.job import METRICS_FILE, SPEED_FILE, write_job
from xlm.training.launch.launcher import Launch, Launcher
from xlm.training.launch.local import LocalLauncher
from xlm.training.launch.reporting import DocumentReader, StatusLog, ThroughputReader


def launch_job(
    context: StageContext[Any],
    job: Config,
    *,
    module: str,
    processes: int,
    threads_per_process: int,
    timeout_seconds: float | None,
    unit: str,
    save_seconds: float = 30,
    launcher: Launcher | None = None,
) -> dict[str, float]:
    """Run the processes of a job to their end; returns the time, memory and rates of the job.

    Args:
        module: entry module of the processes; see `Launch.module`.
        unit: name of what `speed.jsonl` counts: "updates", "measurements".
        launcher: starts the processes; None: on this machine.

    Raises:
        XlmError: a process reported why it cannot go on.
        ToolError: a process failed without a report.
    """
    for directory in (context.out, context.scratch, context.logs):
        directory.mkdir(parents=True, exist_ok=True)
    path = context.scratch / "job.json"
    write_job(path, job)
    started = time.monotonic()
    throughput = ThroughputReader(context.logs / SPEED_FILE, context.progress, unit)
    documents = DocumentReader(context.logs, context.progress)
    log = StatusLog(context.progress, unit, losses=context.scratch / METRICS_FILE)

    def report() -> None:
        for record in throughput.update():
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
            # The processes draw figures; without this cache matplotlib writes to the home folder.
            environment=tool_environment(context.cache) if context.cache else {},
            save_seconds=save_seconds,
        ),
        report,
    )
    report()
    return {
        "seconds": time.monotonic() - started,
        **result.measured(),
        **throughput.rates(),
    }
