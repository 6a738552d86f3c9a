"""Pretraining as the stage sees it: write the job, start the processes, report, count.

No torch here: this runs in the driver.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from xlm.launch.follow import JsonFollower
from xlm.launch.launcher import Launch, Launcher
from xlm.launch.local import LocalLauncher
from xlm.stages.pretrain import PretrainSlice
from xlm.stages.stage import Outcome, Work
from xlm.training.job import SPEED_FILE, PretrainJob, write_job

_MODULE = "xlm.training.main"


def pretrain(
    work: Work[PretrainSlice],
    *,
    vocabulary: Path,
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    launcher: Launcher | None = None,
) -> Outcome:
    """Train in processes of their own; a rerun goes on from the newest checkpoint in scratch.

    Raises:
        TrainingError: the run cannot go on.
        ToolError: the processes failed without a word.
    """
    config = work.config.pretrain
    for directory in (work.out, work.scratch, work.logs):
        directory.mkdir(parents=True, exist_ok=True)
    job = PretrainJob(
        languages=work.config.languages,
        model=work.config.model,
        pretrain=config,
        vocabulary=vocabulary,
        mono=dict(mono),
        pairs=dict(pairs),
        scratch=work.scratch,
        out=work.out,
        logs=work.logs,
    )
    path = work.scratch / "job.json"
    write_job(path, job)
    started = time.monotonic()
    report = SpeedReport(work)
    result = (launcher or LocalLauncher()).run(
        Launch(
            module=_MODULE,
            job=path,
            processes=config.processes,
            threads_per_process=config.threads_per_process,
            log_path=work.logs / "training.log",
            timeout_seconds=config.timeout_seconds,
        ),
        report.update,
    )
    summary = json.loads((work.out / "validation.json").read_text(encoding="utf-8"))
    counts = {name: summary[name] for name in ("updates", "tokens", "parameters")}
    if summary["best_criterion"] is not None:
        counts["best_validation_perplexity"] = summary["best_criterion"]
    return Outcome(
        counts=counts,
        measured={
            "seconds": time.monotonic() - started,
            "cpu_seconds": result.cpu_seconds,
            "peak_memory_bytes": result.peak_memory_bytes,
            "tokens_per_second": report.tokens_per_second,
        },
    )


class SpeedReport:
    """Turns the speed lines of the training processes into progress."""

    def __init__(self, work: Work[PretrainSlice]) -> None:
        self._progress = work.progress
        self._follower = JsonFollower(work.logs / SPEED_FILE)
        self._tokens = 0.0
        self._seconds = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Mean over all that was reported, validation included."""
        return self._tokens / self._seconds if self._seconds else 0.0

    def update(self) -> None:
        """Report what came since the last call."""
        for record in self._follower.new_records():
            self._tokens += record["tokens_per_second"] * record["seconds"]
            self._seconds += record["seconds"]
            note = f"{record['tokens_per_second']:,} tokens/s"
            self._progress.update(record["step"], record["total"], "updates", note)
