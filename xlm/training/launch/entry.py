"""The child side of a training job: what a process does from its first moment to its exit code.

    python -P -m xlm.training.launch.entry JOB.json      # pretrain

Exit codes:
    0     the job is done
    3     the process cannot go on; `JOB.failure-RANK.json` has the reason
    75    the process was asked to stop and has saved its state; start the job again to go on

Importing torch takes seconds, so this module imports it only after it handles stop signals.
"""

import logging
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Final

from xlm.errors import RequeueError, XlmError
from xlm.processes import signals
from xlm.processes.parent import die_with_parent
from xlm.training.launch.failure import write_failure

FAILED: Final = 3
REQUEUE: Final = RequeueError.exit_code


def main(arguments: list[str]) -> int:
    """Run the pretraining job of a job file."""
    path = Path(arguments[0])
    _exit_on_stop_signals(path)
    return run_entry(path, lambda: _pretrain(path))


def run_entry(job_path: Path, work: Callable[[], None]) -> int:
    """Set up logging and torch, do the work of this process, and return its exit code."""
    import torch
    from safetensors import SafetensorError

    from xlm.training.launch.error_translation import translate_error
    from xlm.training.launch.stop import Interrupted

    die_with_parent()
    rank = os.environ.get("RANK", "0")
    logging.basicConfig(
        level=logging.INFO if rank == "0" else logging.WARNING,
        format=f"%(asctime)s [{rank}] %(message)s",
    )
    # Bit-identical results need deterministic kernels. They do not need filled memory, which costs
    # time.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        work()
    except Interrupted:
        write_failure(job_path, _requeue_error())
        return REQUEUE
    except XlmError as error:
        return _fail(job_path, error)
    except (RuntimeError, OSError, SafetensorError) as error:
        translated = translate_error(error)
        if isinstance(translated, XlmError):
            return _fail(job_path, translated)
        raise
    return 0


def _pretrain(path: Path) -> None:
    import torch

    from xlm.training.launch.distributed import join_process_group
    from xlm.training.launch.job import PretrainJob, read_job
    from xlm.training.launch.stop import Interrupted
    from xlm.training.trainer import Trainer

    def interrupt(number: int, frame: FrameType | None) -> None:
        signals.ignore()  # Slurm and the parent may both send the signal
        raise Interrupted

    # Nothing is lost by an exception before the first update; then the trainer takes over.
    signals.listen(interrupt)
    job = read_job(path, PretrainJob)
    timeout = timedelta(seconds=job.pretrain.collective_timeout_seconds)
    if job.pretrain.tf32:
        torch.set_float32_matmul_precision("high")
    with join_process_group(job.pretrain.device, timeout=timeout) as group:
        Trainer(job, group).run()


def _exit_on_stop_signals(job_path: Path) -> None:
    """Exit with `REQUEUE` at a stop signal, as long as there is no state to save."""

    def leave(number: int, frame: FrameType | None) -> None:
        signals.ignore()
        write_failure(job_path, _requeue_error())
        # An exception could be raised anywhere in the import of torch, which may catch it.
        os._exit(REQUEUE)

    signals.listen(leave)
    signals.release()


def _requeue_error() -> RequeueError:
    return RequeueError(
        "training was asked to stop and has saved its state", fix="start it again to go on"
    )


def _fail(job_path: Path, error: XlmError) -> int:
    write_failure(job_path, error)
    logging.getLogger(__name__).exception("cannot go on")
    return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
