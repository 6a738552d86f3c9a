"""The entry of a pretraining process: `python -P -m xlm.training.launch.entry JOB.json`.

Exit codes are those of `xlm.training.launch.child`.
"""

import sys
from datetime import timedelta
from pathlib import Path
from types import FrameType

from xlm.processes import signals
from xlm.training.launch.early_stop import leave_when_asked


def main(arguments: list[str]) -> int:
    """Pretrain as the job file says."""
    path = Path(arguments[0])
    leave_when_asked(path)
    # Not before: importing torch takes seconds.
    import torch

    from xlm.training.launch.child import run_process_entry
    from xlm.training.launch.distributed import join_process_group
    from xlm.training.launch.job import PretrainJob, read_job
    from xlm.training.launch.stop import Interrupted
    from xlm.training.trainer import Trainer

    def leave(number: int, frame: FrameType | None) -> None:
        """Nothing is lost by leaving at once: no update was computed yet."""
        signals.ignore()  # the starter passes on what this process got from Slurm too
        raise Interrupted

    def run() -> None:
        signals.listen(leave)  # until the trainer has something to save
        job = read_job(path, PretrainJob)
        timeout = timedelta(seconds=job.pretrain.collective_timeout_seconds)
        if job.pretrain.tf32:
            torch.set_float32_matmul_precision("high")
        with join_process_group(job.pretrain.device, timeout=timeout) as group:
            Trainer(job, group).run()

    return run_process_entry(path, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
