"""What training processes leave behind when they cannot go on: more than an exit code can say.

write_failure(job, TrainingError("loss is not finite at step 12", fix="lower the rate"))
raise_failure(job)  # in the starting process
"""

import json
import os
from pathlib import Path
from typing import Any

from xlm import errors
from xlm.errors import PeerLostError, TrainingError, XlmError


def write_failure(job: Path, error: XlmError) -> None:
    """Note this process's error beside the job; its first one counts."""
    record = {"kind": type(error).__name__, "what": error.what, "fix": error.fix}
    rank = int(os.environ.get("RANK", 0))
    try:
        with _path(job, rank).open("x", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False)
    except FileExistsError:
        return


def clear_failure(job: Path) -> None:
    """Forget what an earlier run left."""
    for path in _paths(job):
        path.unlink(missing_ok=True)


def first_failure(job: Path) -> XlmError | None:
    """What went wrong first, if a process noted anything.

    A process that lost another one ended because of that one: its word counts only where nothing
    else was noted.
    """
    found = sorted(filter(None, map(_read, _paths(job))), key=lambda note: note[:2])
    if not found:
        return None
    record = found[0][2]
    kind = getattr(errors, record["kind"], TrainingError)
    error: XlmError = kind(record["what"], fix=record["fix"])
    return error


def raise_failure(job: Path) -> None:
    """Raise what went wrong first, if a process noted anything."""
    if (error := first_failure(job)) is not None:
        raise error


def noted_failure(job: Path, rank: int) -> bool:
    """Whether a process said why it ended."""
    return _read(_path(job, rank)) is not None


def _read(path: Path) -> tuple[bool, int, dict[str, Any]] | None:
    """Whether a note is of a consequence, when it was written, and what it says."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record["kind"] == PeerLostError.__name__, path.stat().st_mtime_ns, record
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(job: Path, rank: int) -> Path:
    return job.with_suffix(f".failure-{rank}.json")


def _paths(job: Path) -> list[Path]:
    return sorted(job.parent.glob(f"{job.stem}.failure-*.json"))
