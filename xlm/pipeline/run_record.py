"""Run records, `<root>/runs/<number>-<time>.json`: the request and the artifacts of a run.

A record is written when a run begins, and again with its artifacts when it ends. The number gives
the order of runs, not their time, so a clock that is set back does not matter.
"""

import json
import logging
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from xlm.errors import StoreError
from xlm.pipeline.dag import PipelineRun
from xlm.pipeline.request import RunRequest
from xlm.store.disk.filesystem import (
    is_real_file,
    make_real_directory,
    read_small,
    write_atomically,
)
from xlm.store.disk.locks import build_lock
from xlm.store.leases import is_live
from xlm.store.manifest import relative_inside

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
_NAME = re.compile(r"(?:(\d{6,})-)?(\d{8}T\d{12})\.json", re.ASCII)


class _Node(BaseModel):
    model_config = ConfigDict(extra="allow")

    stage: str
    unit: str
    status: str
    directory: Annotated[str, AfterValidator(relative_inside)]


class RunRecord(BaseModel):
    """The fields of a record that are read."""

    model_config = ConfigDict(extra="allow")

    started: str
    request: RunRequest
    nodes: list[_Node]
    number: int = 0
    finished: str | None = None
    selected: int = 0
    state: Literal["running", "finished", "stopped", "failed"] | None = None
    lease: str | None = None
    held: list[tuple[str, str]] = []


def begin_run_record(run: PipelineRun) -> Path:
    """Write the record of a run that begins; returns its path, for `write_run_record`."""
    home = make_real_directory(run.store.root, "runs")
    with build_lock(run.store.root / "locks", "runs"):
        path = home / f"{next_number(home):06d}-{run.started:%Y%m%dT%H%M%S%f}.json"
        lease = run.store.lease.name if run.store.lease else None
        write_record(path, _described(run) | {"state": "running", "lease": lease, "nodes": []})
    return path


def write_run_record(run: PipelineRun, path: Path | None = None) -> Path:
    """Write the request, the resolved configuration, the state and the artifacts of a run.

    Args:
        path: the record that was written when the run began; by default a new one.
    """
    path = path or begin_run_record(run)
    built = [(one.node.stage, one.artifact.manifest.key) for one in list(run.results.values())]
    held = run.store.lease.keys() if run.store.lease else frozenset()
    record = _described(run) | {
        "finished": datetime.now(UTC).isoformat(),
        "seconds": round(run.seconds(), 3),
        **run.checks.total.measured(),
        "state": state_of(run),
        "failures": {str(node): line for node, line in list(run.failures.items())},
        # Their output so far may be in staging, where the next run continues it.
        "held": sorted(held - set(built)),
        "nodes": [
            {
                "stage": built.node.stage,
                "unit": built.node.unit,
                "status": built.status,
                "key": built.artifact.manifest.key,
                "digest": built.artifact.manifest.digest,
                "directory": built.artifact.directory.relative_to(run.store.root).as_posix(),
            }
            # A copy, because the last nodes of an interrupted run may end now.
            for built in list(run.results.values())
        ],
    }
    write_record(path, record)
    return path


def _described(run: PipelineRun) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "started": run.started.isoformat(),
        "request": run.request.absolute().model_dump(mode="json"),
        "config": run.graph.config.model_dump(mode="json"),
        "selected": len(run.selected),
    }


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a run record atomically."""
    write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())


def state_of(run: PipelineRun) -> Literal["finished", "stopped", "failed"]:
    """How a run ends: whether it has all nodes, was stopped by the user, or failed."""
    if all(node in run.results for node in run.selected):
        return "finished"
    return "stopped" if run.interruption or run.stopped else "failed"


def next_number(home: Path) -> int:
    """The number of the next run, from the records in `home`."""
    return max((number for number, _, _ in _numbered(home)), default=0) + 1


def _numbered(home: Path) -> list[tuple[int, str, Path]]:
    """Number, time and path of all records, in order; records of old versions have number 0."""
    found = []
    for path in home.glob("*.json") if home.is_dir() else ():
        if (name := _NAME.fullmatch(path.name)) is not None and is_real_file(path):
            found.append((int(name[1] or 0), name[2], path))
    return sorted(found)


def read_record(path: Path) -> dict[str, Any]:
    """Read a run record.

    Raises:
        StoreError: it is damaged.
    """
    try:
        record = RunRecord.model_validate_json(read_small(path)).model_dump(mode="json")
    except (OSError, ValueError, RecursionError):
        raise StoreError(f"{path} is damaged", fix="remove it") from None
    name = _NAME.fullmatch(path.name)
    return record | {"number": int(name[1] or 0) if name else 0}


def record_paths(root: Path) -> list[Path]:
    """The paths of all run records, oldest first."""
    return [path for _, _, path in _numbered(root / "runs")]


def events_path(record: Path) -> Path:
    """The file of a run's OpenLineage events, next to its record."""
    return record.with_suffix(".openlineage.jsonl")


def report_path(record: Path) -> Path:
    """Where the report of a run is, by the path of its record."""
    return record.with_suffix(".html")


def paths_of(root: Path, record: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the path of the record of a run, if it is still there."""
    for path in record_paths(root):
        with suppress(StoreError):
            if read_record(path) == record:
                yield path


def delete_record(root: Path, record: Mapping[str, Any]) -> None:
    """Delete the record of a run, its report and its OpenLineage events."""
    for path in paths_of(root, record):
        path.unlink()
        for other in (report_path(path), events_path(path)):
            other.unlink(missing_ok=True)


def all_runs(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the valid records of all runs, newest first, with those that did not end."""
    for path in reversed(record_paths(root)):
        try:
            yield read_record(path)
        except StoreError as error:
            log.warning("%s and is ignored", error.what)


def runs(root: Path, profile: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the valid records of runs that ended, newest first, of one profile if given."""
    for record in all_runs(root):
        is_chosen = profile is None or same_profile(record["request"]["profile"], profile)
        if record["state"] != "running" and is_chosen:
            yield record


def run_state(record: Mapping[str, Any], root: Path) -> str:
    """The state of a run now: running, finished, stopped, failed or killed."""
    state = record["state"]
    if state == "running":
        return "running" if is_live(root, record["lease"] or "") else "killed"
    # Records of earlier versions have no state.
    is_complete = len(record["nodes"]) >= record["selected"]
    return str(state or ("finished" if is_complete else "failed"))


def last_run(
    root: Path, *, profile: str | None = None, reaching: str | None = None, built: bool = False
) -> dict[str, Any]:
    """Return the newest valid run record.

    Args:
        profile: consider only runs of this profile.
        reaching: consider only runs that reached this stage.
        built: consider only runs that built the stage, not those that found it in the store.

    Raises:
        StoreError: there is no such run.
    """
    newest: dict[str, Any] | None = None
    for record in runs(root, profile):
        newest = newest or record
        reached = {
            node["stage"] for node in record["nodes"] if not built or node["status"] == "built"
        }
        if reaching is None or reaching in reached:
            return record
    of_profile = f" of profile {profile}" if profile else ""
    if newest is None:
        chosen = f" --profile {shlex.quote(profile)}" if profile else ""
        raise StoreError(f"no run{of_profile} in {root}", fix=f"start one with `xlm run{chosen}`")
    command = RunRequest.model_validate(newest["request"]).building().command(root)
    raise StoreError(
        f"no run{of_profile} that reached {reaching} in {root}", fix=f"continue with `{command}`"
    )


def same_profile(one: str, other: str) -> bool:
    """Whether two names denote the same profile; paths of files are made absolute."""
    return one == other or (
        one.endswith((".yaml", ".yml")) and Path(one).absolute() == Path(other).absolute()
    )
