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

from xlm.store.files import write_atomically
from xlm.store.keys import canonical_json
from xlm.store.manifest import LOGS_NAME, file_sha256

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
    records.mkdir(parents=True, exist_ok=True)
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
    try:
        record = json.loads(item.record.read_bytes())
        holds = record["job"] == _job_digest(item.job) and all(
            Path(file["path"]).stat().st_size == file["size_bytes"]
            and file_sha256(Path(file["path"])) == file["sha256"]
            for file in record["files"]
        )
    except (OSError, ValueError, KeyError):
        return None
    return dict(record["counts"]) if holds else None


def _job_digest(job: FileJob) -> str:
    description = canonical_json(
        [job.name, [str(path) for path in (*job.sources, *job.targets)], dict(job.options)]
    )
    return hashlib.sha256(description.encode()).hexdigest()


def forget_unfinished(records: Path, out: Path) -> None:
    """Remove what a killed build left in `out` and no record proves: it must not be published.

    Its logs stay: the next attempt goes on in them, and they say why the last one ended.
    """
    proven: set[Path] = set()
    for record in records.glob("*.json") if records.is_dir() else ():
        try:
            proven.update(Path(file["path"]) for file in json.loads(record.read_bytes())["files"])
        except (ValueError, KeyError):
            record.unlink()
    logs = out / LOGS_NAME
    for path in out.rglob("*"):
        if path.is_file() and path not in proven and not path.is_relative_to(logs):
            path.unlink()
