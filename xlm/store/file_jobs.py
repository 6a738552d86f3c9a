"""Completion records: a killed stage continues with the files that it had not finished.

A record names a job's targets with size and sha256, so that "done" is proven and not believed; it
also holds the digest of the job's description, so that a changed job is run again.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from xlm.store.disk.filesystem import (
    is_real_file,
    make_real_directory,
    read_small,
    remove_tree,
    walk_real,
    write_atomically,
)
from xlm.store.disk.hashing import file_sha256
from xlm.store.keys import canonical_json
from xlm.store.manifest import LOGS_NAME

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

Counts = dict[str, int]


class Mapper(Protocol):
    """The one way to spread work over processes: bounded, ordered, cluster-ready."""

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Apply a picklable module-level `function` to items; results come in order."""
        ...


@dataclass(frozen=True)
class FileJob:
    """One unit of resumable work inside a stage: reads `sources`, writes `targets`."""

    name: str
    sources: tuple[Path, ...]
    targets: tuple[Path, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


class _Target(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    path: str
    size_bytes: int
    sha256: str


class _Record(BaseModel):
    """What the file of a finished job says."""

    model_config = ConfigDict(strict=True, extra="forbid")

    job: str
    files: list[_Target]
    counts: Counts


@dataclass(frozen=True)
class _Recorded:
    """A job with the function that does it and the place of its record; crosses processes."""

    function: Callable[[FileJob], Mapping[str, int]]
    job: FileJob
    record: Path


def map_files(
    mapper: Mapper,
    records: Path,
    function: Callable[[FileJob], Mapping[str, int]],
    jobs: Sequence[FileJob],
    on_done: Callable[[int], None] = lambda done: None,
) -> list[Counts]:
    """Run each job whose record does not hold; return all counts in the order of the jobs."""
    records.parent.mkdir(parents=True, exist_ok=True)
    make_real_directory(records.parent, records.name)
    recorded = [_Recorded(function, job, records / f"{job.name}.json") for job in jobs]
    counts = {item.job.name: _valid_counts(item) for item in recorded}
    missing = [item for item in recorded if counts[item.job.name] is None]
    done = len(jobs) - len(missing)
    on_done(done)
    for item, result in zip(missing, mapper.map(_run_and_record, missing), strict=True):
        counts[item.job.name] = result
        done += 1
        on_done(done)
    return [found for job in jobs if (found := counts[job.name]) is not None]


def _run_and_record(item: _Recorded) -> Counts:
    for target in item.job.targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    counts = dict(item.function(item.job))
    files = [
        {"path": str(path), "size_bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in item.job.targets
    ]
    record = {"job": _job_digest(item.job), "files": files, "counts": counts}
    write_atomically(item.record, json.dumps(record).encode())
    return counts


def _valid_counts(item: _Recorded) -> Counts | None:
    record = _read_record(item.record)
    if record is None or record.job != _job_digest(item.job):
        return None
    # A record that names other files, or none, proves nothing about this job's targets.
    if [file.path for file in record.files] != [str(path) for path in item.job.targets]:
        return None
    return record.counts if all(map(_holds, record.files)) else None


def _read_record(path: Path) -> _Record | None:
    """A record of ours, or None for whatever else is there."""
    try:
        return _Record.model_validate_json(read_small(path))
    except (OSError, ValidationError, ValueError, RecursionError):
        return None


def _holds(file: _Target) -> bool:
    path = Path(file.path)
    try:
        return path.lstat().st_size == file.size_bytes and file_sha256(path) == file.sha256
    except (OSError, ValueError):
        return False


def _job_digest(job: FileJob) -> str:
    description = canonical_json(
        [job.name, [str(path) for path in (*job.sources, *job.targets)], dict(job.options)]
    )
    return hashlib.sha256(description.encode()).hexdigest()


def remove_unfinished(records: Path, out: Path) -> None:
    """Remove what a killed build left in `out` and no record proves: it must not be published.

    Its logs stay: the next attempt goes on in them, and they say why the last one ended.
    """
    proven: set[str] = set()
    make_real_directory(records.parent, records.name)
    for entry in list(walk_real(records)):
        if (record := _read_record(Path(entry.path))) is None:
            remove_tree(Path(entry.path))
        else:
            proven.update(file.path for file in record.files)
    logs = out / LOGS_NAME
    for entry in list(walk_real(out)):
        path = Path(entry.path)
        is_kept = entry.path in proven or (logs in path.parents and is_real_file(path))
        if not entry.is_dir(follow_symlinks=False) and not is_kept:
            path.unlink()
