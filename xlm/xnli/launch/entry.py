"""The entry of fine-tuning and evaluation processes: `python -P -m xlm.xnli.launch.entry JOB.json`.

Exit codes are those of `xlm.training.launch.child`.
"""

import sys

from xlm.processes.signals import release

if __name__ == "__main__":
    release()  # no state to save: what was held back ends it, and it imports torch for seconds

import json
from datetime import timedelta
from pathlib import Path

from xlm.training.launch.child import run_process_entry
from xlm.training.launch.distributed import join_process_group
from xlm.training.launch.job import read_job
from xlm.xnli.evaluation.evaluator import run_evaluation
from xlm.xnli.launch.jobs import EvaluateJob, FinetuneJob
from xlm.xnli.restarts import run_restarts

_PATIENCE = timedelta(days=7)
"""Processes meet only at the end of a restart, which may take hours longer than another's."""


def main(arguments: list[str]) -> int:
    """Fine-tune or evaluate, as the job file says."""
    path = Path(arguments[0])

    def run() -> None:
        kind = json.loads(path.read_text(encoding="utf-8"))["kind"]
        if kind == "finetune":
            finetune = read_job(path, FinetuneJob)
            with join_process_group(finetune.finetune.device, timeout=_PATIENCE) as group:
                run_restarts(finetune, group)
        else:
            evaluate = read_job(path, EvaluateJob)
            with join_process_group(evaluate.evaluate.device, timeout=_PATIENCE) as group:
                run_evaluation(evaluate, group)

    return run_process_entry(path, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
