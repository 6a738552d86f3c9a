"""What a run did: `<root>/runs/<time>.json`, read by `xlm results` and by the docs' cost tables."""

import json
import logging
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run import PipelineRun
from xlm.store.files import write_atomically

log = logging.getLogger(__name__)

FORMAT_VERSION = 1


def write_run_record(run: PipelineRun) -> Path:
    """Record the request, the resolved configuration and the artifact of every node reached."""
    finished = datetime.now(UTC)
    record = {
        "format_version": FORMAT_VERSION,
        "started": run.started.isoformat(),
        "finished": finished.isoformat(),
        "seconds": round((finished - run.started).total_seconds(), 3),
        "request": run.request.model_dump(mode="json"),
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
            # A copy: an interrupted run's last nodes may be ending now.
            for built in list(run.results.values())
        ],
    }
    path = run.store.root / "runs" / f"{run.started:%Y%m%dT%H%M%S%f}.json"
    write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
    return path


def runs(root: Path, profile: str | None = None) -> Iterator[dict[str, Any]]:
    """The readable run records, the newest first, of one profile if given."""
    for path in sorted((root / "runs").glob("*.json"), reverse=True):
        try:
            record: dict[str, Any] = json.loads(path.read_bytes())
        except ValueError:
            log.warning("%s is damaged; passed over", path)
            continue
        if profile is None or same_profile(record["request"]["profile"], profile):
            yield record


def last_run(
    root: Path, *, profile: str | None = None, reaching: str | None = None, built: bool = False
) -> dict[str, Any]:
    """The newest readable run record, of one profile and of a run that reached a stage, if given.

    Args:
        built: the run must have built that stage itself, not found it in the store.

    Raises:
        StoreError: there is none.
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
    command = RunRequest.model_validate(newest["request"]).whole().command(root)
    raise StoreError(
        f"no run{of_profile} that reached {reaching} in {root}", fix=f"continue with `{command}`"
    )


def same_profile(one: str, other: str) -> bool:
    """Whether two names mean the same profile: a file can be written in several ways."""
    return one == other or (
        one.endswith((".yaml", ".yml")) and Path(one).absolute() == Path(other).absolute()
    )
