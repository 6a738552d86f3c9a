"""Error reports of training processes: what an exit code cannot say.

write_failure(job, TrainingError("loss is not finite at update 12", fix="lower the rate"))  # child
raise_failure(job)  # parent
"""

import json
import os
from pathlib import Path
from typing import Any

from xlm import errors
from xlm.errors import PeerLostError, TrainingError, XlmError


def write_failure(job: Path, error: XlmError) -> None:
    """Write the error of this process next to the job file; its first error counts."""
    record = {"kind": type(error).__name__, "what": error.what, "fix": error.fix}
    rank = int(os.environ.get("RANK", 0))
    try:
        with _path(job, rank).open("x", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False)
    except FileExistsError:
        return


def clear_failure(job: Path) -> None:
    """Delete the reports of an earlier run."""
    for path in _paths(job):
        path.unlink(missing_ok=True)


def first_failure(job: Path) -> XlmError | None:
    """The error that was reported first; None: no process reported one.

    A process that lost another one failed as a consequence: its report counts only if there is no
    other.
    """
    found = sorted(filter(None, map(_read, _paths(job))), key=lambda report: report[:2])
    if not found:
        return None
    record = found[0][2]
    kind = getattr(errors, record["kind"], TrainingError)
    error: XlmError = kind(record["what"], fix=record["fix"])
    return error


def raise_failure(job: Path) -> None:
    """Raise the error that was reported first, if there is one."""
    if (error := first_failure(job)) is not None:
        raise error


def noted_failure(job: Path, rank: int) -> bool:
    """Whether a process has reported an error."""
    return _read(_path(job, rank)) is not None


def _read(path: Path) -> tuple[bool, int, dict[str, Any]] | None:
    """Whether a report is of a consequence, when it was written, and its content."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record["kind"] == PeerLostError.__name__, path.stat().st_mtime_ns, record
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(job: Path, rank: int) -> Path:
    return job.with_suffix(f".failure-{rank}.json")


def _paths(job: Path) -> list[Path]:
    return sorted(job.parent.glob(f"{job.stem}.failure-*.json"))
