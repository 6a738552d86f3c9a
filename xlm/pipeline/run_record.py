"""Run records, `<root>/runs/<number>-<time>.json`: the request and the artifacts of a run.

`xlm results` and the tables of costs read them. Their number gives the order, not their time, so a
clock that is set back does not matter.
"""

import json
import logging
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

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


class _Record(BaseModel):
    """The fields of a record that this module reads."""

    model_config = ConfigDict(extra="allow")

    started: str
    request: RunRequest
    nodes: list[_Node]


def write_run_record(run: PipelineRun) -> Path:
    """Write the request, the resolved configuration and the artifacts of a run."""
    record = {
        "format_version": FORMAT_VERSION,
        "started": run.started.isoformat(),
        "finished": datetime.now(UTC).isoformat(),
        "seconds": round(run.seconds(), 3),
        **run.checks.total.measured(),
        "request": run.request.absolute().model_dump(mode="json"),
        "config": run.graph.config.model_dump(mode="json"),
        "selected": len(run.selected),
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
    home = make_real_directory(run.store.root, "runs")
    number = max((number for number, _, _ in _numbered(home)), default=0) + 1
    path = home / f"{number:06d}-{run.started:%Y%m%dT%H%M%S%f}.json"
    write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
    return path


def _numbered(home: Path) -> list[tuple[int, str, Path]]:
    """Number, time and path of all records, in order; records of old versions have number 0."""
    found = []
    for path in home.glob("*.json") if home.is_dir() else ():
        if (name := _NAME.fullmatch(path.name)) is not None and is_real_file(path):
            found.append((int(name[1] or 0), name[2], path))
    return sorted(found)


def runs(root: Path, profile: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the valid run records, newest first, of one profile if given."""
    for _, _, path in reversed(_numbered(root / "runs")):
        try:
            record = _Record.model_validate_json(read_small(path)).model_dump(mode="json")
        except (OSError, ValueError, RecursionError):
            log.warning("%s is damaged and is ignored", path)
            continue
        if profile is None or same_profile(record["request"]["profile"], profile):
            yield record


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
