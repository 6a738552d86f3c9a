"""What a training process leaves behind when it cannot go on: torchrun passes on no exit code.

write_failure(job, TrainingError("loss is not finite at step 12", fix="lower the rate"))
raise_failure(job)  # in the starting process
"""

import json
from pathlib import Path

from xlm import errors
from xlm.errors import TrainingError, XlmError


def write_failure(job: Path, error: XlmError) -> None:
    """Note the error beside the job; the first process to fail wins."""
    record = {"kind": type(error).__name__, "what": error.what, "fix": error.fix}
    try:
        with _path(job).open("x", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False)
    except FileExistsError:
        return


def clear_failure(job: Path) -> None:
    """Forget what an earlier run left."""
    _path(job).unlink(missing_ok=True)


def raise_failure(job: Path) -> None:
    """Raise what a process noted, if one did."""
    try:
        record = json.loads(_path(job).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return
    kind = getattr(errors, record["kind"], TrainingError)
    raise kind(record["what"], fix=record["fix"])


def _path(job: Path) -> Path:
    return job.with_suffix(".failure.json")
