"""The entry of a pretraining process: `torchrun -m xlm.training.main JOB.json`.

Exit codes: 0 done; 3 cannot go on (the reason is in `JOB.failure.json`); 75 asked to stop, state
saved, start again.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
from safetensors import SafetensorError

from xlm.errors import RequeueError, XlmError
from xlm.launch.failure import write_failure
from xlm.launch.parent import die_with_parent
from xlm.training.breakdown import explained
from xlm.training.job import PretrainJob, read_job
from xlm.training.team import join_team
from xlm.training.trainer import Interrupted, Trainer

FAILED = 3
REQUEUE = RequeueError.exit_code


def run_process_entry(job_path: Path, run: Callable[[], None]) -> int:
    """Run one process's work; its exit code says how it ended."""
    die_with_parent()
    rank = os.environ.get("RANK", "0")
    logging.basicConfig(
        level=logging.INFO if rank == "0" else logging.WARNING,
        format=f"%(asctime)s [{rank}] %(message)s",
    )
    # The same bits from the same numbers; fresh memory need not be filled for that.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        run()
    except Interrupted:
        stopped = RequeueError(
            "training was asked to stop and has saved its state", fix="start it again to go on"
        )
        write_failure(job_path, stopped)
        return REQUEUE
    except XlmError as error:
        return _fail(job_path, error)
    except (RuntimeError, OSError, SafetensorError) as error:
        reason = explained(error)
        if isinstance(reason, XlmError):
            return _fail(job_path, reason)
        raise
    return 0


def _fail(job_path: Path, error: XlmError) -> int:
    write_failure(job_path, error)
    logging.getLogger(__name__).exception("cannot go on")
    return FAILED


def _leave(number: int, frame: object) -> None:
    """Nothing is lost by leaving at once: no update was computed yet."""
    raise Interrupted


def main(arguments: list[str]) -> int:
    """Pretrain as the job file says."""
    path = Path(arguments[0])

    def run() -> None:
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, _leave)  # until the trainer has something to save
        job = read_job(path, PretrainJob)
        timeout = timedelta(seconds=job.pretrain.collective_timeout_seconds)
        if job.pretrain.tf32:
            torch.set_float32_matmul_precision("high")
        with join_team(job.pretrain.device, timeout=timeout) as team:
            Trainer(job, team).run()

    return run_process_entry(path, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
