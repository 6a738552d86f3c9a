"""The child side of fine-tuning, scoring and evaluation.

    python -P -m xlm.classification.launch.entry JOB.json

The exit codes are those of `xlm.training.launch.child`.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from xlm.processes.signals import release
from xlm.training.launch.child import run_child

_BARRIER_TIMEOUT: Final = timedelta(days=7)
"""Processes only wait for each other at the end of a restart, and restarts differ by hours."""


def main(arguments: list[str]) -> int:
    """Run the job of a job file: fine-tuning, scoring or evaluation."""
    path = Path(arguments[0])
    release()  # a stop signal ends the process: there is no state to save
    return run_child(path, lambda: _run(path))


def _run(path: Path) -> None:
    # Imports torch, which takes seconds.
    from xlm.classification.evaluation.evaluator import run_evaluation
    from xlm.classification.launch.jobs import EvaluateJob, FinetuneJob, ScoreJob
    from xlm.classification.restarts import run_restarts
    from xlm.classification.selection.scorer import run_scoring
    from xlm.training.launch.distributed import join_process_group
    from xlm.training.launch.job import read_job

    kind = json.loads(path.read_text(encoding="utf-8"))["kind"]
    if kind == "finetune":
        finetune = read_job(path, FinetuneJob)
        with join_process_group(finetune.finetune.device, timeout=_BARRIER_TIMEOUT) as group:
            run_restarts(finetune, group)
    elif kind == "score":
        score = read_job(path, ScoreJob)
        with join_process_group(score.device, timeout=_BARRIER_TIMEOUT) as group:
            run_scoring(score, group)
    else:
        evaluate = read_job(path, EvaluateJob)
        with join_process_group(evaluate.evaluate.device, timeout=_BARRIER_TIMEOUT) as group:
            run_evaluation(evaluate, group)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
