"""What every training process does around its work: logging, torch, stop signals, exit codes.

    exit_on_stop_signals(job_path)      # first of all, while torch is not imported yet
    sys.exit(run_child(job_path, work=lambda: Trainer(job, group).run()))

Exit codes:
    0     the job is done
    3     the process cannot go on; `JOB.failure-RANK.json` has the reason
    75    a stop signal came, and the state is saved; run the job again to resume

Importing torch takes seconds, so this module imports it only when the work begins.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from xlm.errors import RequeueError, XlmError
from xlm.processes import signals
from xlm.processes.failure import write_failure
from xlm.processes.parent import die_with_parent
from xlm.processes.sessions import recorded_session

FAILED: Final = 3
REQUEUE: Final = RequeueError.exit_code


def exit_on_stop_signals(job_path: Path) -> None:
    """Exit with `REQUEUE` at a stop signal: there is no state to save yet."""

    def leave(number: int, frame: FrameType | None) -> None:
        signals.ignore()
        write_failure(job_path, _requeue_error())
        # An exception could be raised anywhere in the import of torch, which may catch it.
        os._exit(REQUEUE)

    signals.listen(leave)
    signals.release()


def run_child(job_path: Path, work: Callable[[], None]) -> int:
    """Set up logging and torch, do the work of this process, and return its exit code."""
    with recorded_session(job_path):
        return _run(job_path, work)


def _run(job_path: Path, work: Callable[[], None]) -> int:
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
    # Bit-identical results need deterministic kernels, but no filled memory, which costs time.
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


def _requeue_error() -> RequeueError:
    return RequeueError(
        "training received a stop signal and has saved its state",
        fix="run the same command to resume",
    )


def _fail(job_path: Path, error: XlmError) -> int:
    write_failure(job_path, error)
    logging.getLogger(__name__).exception("cannot go on")
    return FAILED
