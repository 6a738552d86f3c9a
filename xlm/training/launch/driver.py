"""The parent side of a training job: write the job file, start the processes, report progress.

    measured = launch_job(context, job, stage="pretrain", module=ENTRY, processes=2, ...)

The driver runs in the process of the pipeline, which does not import torch.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlm.engine.config import Config
from xlm.engine.stage import StageContext
from xlm.processes.sessions import read_sessions
from xlm.processes.tools import tool_environment
from xlm.training.launch.cluster import launcher_of
from xlm.training.launch.job import METRICS_FILE, SPEED_FILE, write_job
from xlm.training.launch.launcher import Launch
from xlm.training.launch.reporting import DocumentReader, StatusLog, ThroughputReader


def launch_job(
    context: StageContext[Any],
    job: Config,
    *,
    stage: str,
    module: str,
    processes: int,
    threads_per_process: int,
    timeout_seconds: float | None,
    unit: str,
    save_seconds: float = 30,
    uses_gpu: bool = False,
    checkpoints: tuple[str, ...] = (),
    reads: Sequence[Path] = (),
) -> dict[str, float | int | str]:
    """Run the processes of a job to their end; returns the time, memory and rates of the job.

    `seconds` is the time of this call, with the wait in a queue. `process_seconds` is the time for
    which processes ran, summed over processes, and over this session and those before it that were
    interrupted; `cpu_seconds` sums these sessions too.

    Args:
        stage: name of the stage, for the job of a cluster.
        module: entry module of the processes; see `Launch.module`.
        unit: name of what `speed.jsonl` counts: "updates", "measurements".
        uses_gpu: whether each process needs a GPU.
        checkpoints: patterns of its checkpoints, relative to the scratch directory.
        reads: files that the processes read besides the inputs.

    Raises:
        XlmError: a process reported why it cannot go on.
        ToolError: a process failed without a report.
        ClusterError: a cluster refused the job, or it was cancelled.
    """
    launcher = launcher_of(
        context, stage=stage, uses_gpu=uses_gpu, checkpoints=checkpoints, reads=reads
    )
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

    measured = launcher.run(
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
    ran = read_sessions(path)
    return {
        "seconds": time.monotonic() - started,
        **measured,
        # The launcher knows the last session alone, but that to the end of its processes.
        "cpu_seconds": max(float(measured.get("cpu_seconds", 0.0)), ran.cpu_seconds),
        **({"process_seconds": ran.process_seconds} if ran.process_seconds else {}),
        **throughput.rates(),
    }
