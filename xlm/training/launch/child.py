"""What every training process does around its work: settings of torch, and an exit code.

    sys.exit(run_process_entry(job_path, run=lambda: Trainer(job, group).run()))

Exit codes: 0 done; 3 cannot go on (the reason is in `JOB.failure-RANK.json`); 75 asked to stop,
state saved, start again.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError

from xlm.errors import RequeueError, XlmError
from xlm.processes.parent import die_with_parent
from xlm.training.launch.early_stop import stopped
from xlm.training.launch.error_translation import translate_error
from xlm.training.launch.failure import write_failure
from xlm.training.launch.stop import Interrupted

FAILED: Final = 3
REQUEUE: Final = RequeueError.exit_code


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
        write_failure(job_path, stopped())
        return REQUEUE
    except XlmError as error:
        return _fail(job_path, error)
    except (RuntimeError, OSError, SafetensorError) as error:
        reason = translate_error(error)
        if isinstance(reason, XlmError):
            return _fail(job_path, reason)
        raise
    return 0


def _fail(job_path: Path, error: XlmError) -> int:
    write_failure(job_path, error)
    logging.getLogger(__name__).exception("cannot go on")
    return FAILED
