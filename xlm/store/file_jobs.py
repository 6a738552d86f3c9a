"""Resumable file jobs: a stage that was killed continues with the files that are not finished.

When a job is done, a record with the size and sha256 of its targets is written. A rerun skips jobs
with a matching record. The record also has a hash of the job's description, so that a changed job
runs again. The worker hashes the targets, once: the manifest takes their digests from the records.

Each job writes to a separate folder, and its files are renamed when it is done. A cluster may take
a worker for dead that still runs; it cannot damage what another worker has written since.
"""

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from xlm.store.disk.filesystem import (
    is_real_directory,
    is_real_file,
    make_real_directory,
    read_small,
    remove_tree,
    walk_real,
    write_atomically,
)
from xlm.store.file_digest import FileDigest
from xlm.store.keys import canonical_json
from xlm.store.manifest import LOGS_NAME

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

Counts = dict[str, int]

_ATTEMPTS = "attempts"


class Mapper(Protocol):
    """Runs a function over items in several processes, with a bounded number of items in flight."""

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Apply a picklable `function` to items; yields the results in the order of the items."""
        ...


@dataclass(frozen=True)
class FileJob:
    """A unit of resumable work in a stage, which reads `sources` and writes `targets`."""

    name: str
    sources: tuple[Path, ...]
    targets: tuple[Path, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


class _Record(BaseModel):
    """The record of a finished job."""

    model_config = ConfigDict(strict=True, extra="forbid")

    job: str
    files: list[FileDigest]
    counts: Counts


@dataclass(frozen=True)
class _RecordedJob:
    """A job, its function and the path of its record; pickled for worker processes."""

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
    """Run each job that has no matching record; returns the counts of all jobs, in order.

    Args:
        mapper: runs jobs in worker processes.
        records: directory of the records.
        function: writes the targets of a job and returns counts; it must be picklable.
        jobs: the jobs; names must be unique.
        on_done: called with the number of finished jobs.
    """
    records.parent.mkdir(parents=True, exist_ok=True)
    make_real_directory(records.parent, records.name)
    with suppress(OSError):  # of killed workers; one of them may go on
        remove_tree(records.parent / _ATTEMPTS)
    recorded = [_RecordedJob(function, job, records / f"{job.name}.json") for job in jobs]
    counts: dict[str, Counts | None] = {item.job.name: None for item in recorded}
    old = [item for item in recorded if is_real_file(item.record)]
    for item, known in zip(old, mapper.map(_valid_counts, old), strict=True):
        counts[item.job.name] = known
    missing = [item for item in recorded if counts[item.job.name] is None]
    done = len(jobs) - len(missing)
    on_done(done)
    for item, result in zip(missing, mapper.map(_run_and_record, missing), strict=True):
        counts[item.job.name] = result
        done += 1
        on_done(done)
    with suppress(OSError):
        (records.parent / _ATTEMPTS).rmdir()
    return [found for job in jobs if (found := counts[job.name]) is not None]


def _run_and_record(item: _RecordedJob) -> Counts:
    if (found := _valid_counts(item)) is not None:
        return found  # a cluster repeats what a lost worker had just finished
    attempt = item.record.parent.parent / _ATTEMPTS / secrets.token_hex(8)
    drafts = tuple(
        attempt / str(number) / target.name for number, target in enumerate(item.job.targets)
    )
    for path in (*drafts, *item.job.targets):
        path.parent.mkdir(parents=True, exist_ok=True)
    counts = dict(item.function(replace(item.job, targets=drafts)))
    for draft, target in zip(drafts, item.job.targets, strict=True):
        draft.replace(target)
    shutil.rmtree(attempt, ignore_errors=True)
    files = [FileDigest.of(path) for path in item.job.targets]
    record = _Record(job=_job_digest(item.job), files=files, counts=counts)
    write_atomically(item.record, record.model_dump_json().encode())
    return counts


def _valid_counts(item: _RecordedJob) -> Counts | None:
    record = _read_record(item.record)
    if record is None or record.job != _job_digest(item.job):
        return None
    # A record of other files, or of no files, proves nothing about the targets of this job.
    if [file.path for file in record.files] != [str(path) for path in item.job.targets]:
        return None
    return record.counts if all(file.matches() for file in record.files) else None


def _read_record(path: Path) -> _Record | None:
    """Read a record; None if it is missing or not a valid record."""
    try:
        return _Record.model_validate_json(read_small(path))
    except (OSError, ValidationError, ValueError, RecursionError):
        return None


def _job_digest(job: FileJob) -> str:
    description = canonical_json(
        [job.name, [str(path) for path in (*job.sources, *job.targets)], dict(job.options)]
    )
    return hashlib.sha256(description.encode()).hexdigest()


def recorded_digests(records: Path) -> list[FileDigest]:
    """The digests of all files that jobs have written, from their records."""
    if not is_real_directory(records):
        return []
    found = (_read_record(Path(entry.path)) for entry in walk_real(records))
    return [file for record in found if record is not None for file in record.files]


def remove_unfinished(records: Path, out: Path) -> None:
    """Remove files in `out` that a killed build left without a record, so none is published.

    Logs are kept: they show why the last attempt ended, and the next one appends to them.
    """
    finished: set[str] = set()
    make_real_directory(records.parent, records.name)
    for entry in list(walk_real(records)):
        if (record := _read_record(Path(entry.path))) is None:
            remove_tree(Path(entry.path))
        else:
            finished.update(file.path for file in record.files)
    logs = out / LOGS_NAME
    for entry in list(walk_real(out)):
        path = Path(entry.path)
        is_kept = entry.path in finished or (logs in path.parents and is_real_file(path))
        if not entry.is_dir(follow_symlinks=False) and not is_kept:
            path.unlink()
