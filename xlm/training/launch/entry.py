"""The child side of pretraining: `python -P -m xlm.training.launch.entry JOB.json`.

The exit codes are those of `xlm.training.launch.child`.
"""

import sys
from datetime import timedelta
from pathlib import Path
from types import FrameType

from xlm.processes import signals
from xlm.training.launch.child import exit_on_stop_signals, run_child


def main(arguments: list[str]) -> int:
    """Run the pretraining job of a job file."""
    path = Path(arguments[0])
    exit_on_stop_signals(path)
    return run_child(path, lambda: _pretrain(path))


def _pretrain(path: Path) -> None:
    # Imports torch, which takes seconds.
    import torch

    from xlm.training.launch.distributed import join_process_group
    from xlm.training.launch.job import PretrainJob, read_job
    from xlm.training.launch.stop import Interrupted
    from xlm.training.monitoring.standard import standard_callbacks
    from xlm.training.trainer import Trainer

    def interrupt(number: int, frame: FrameType | None) -> None:
        signals.ignore()  # Slurm and the parent may both send the signal
        raise Interrupted

    # Until the first update, an exception loses nothing; then the trainer handles the signals.
    signals.listen(interrupt)
    job = read_job(path, PretrainJob)
    timeout = timedelta(seconds=job.pretrain.collective_timeout_seconds)
    if job.pretrain.tf32:
        torch.set_float32_matmul_precision("high")
    with join_process_group(job.pretrain.device, timeout=timeout) as group:
        Trainer(job, group, standard_callbacks(job, group)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
