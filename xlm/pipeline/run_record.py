"""What a run did: `<root>/runs/<time>.json`, read by `xlm results` and by the docs' cost tables."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
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


def last_run(
    root: Path, *, profile: str | None = None, reaching: str | None = None, built: bool = False
) -> dict[str, Any]:
    """The newest readable run record, of one profile and of a run that reached a stage, if given.

    Args:
        built: the run must have built that stage itself, not found it in the store.

    Raises:
        StoreError: there is none.
    """
    for path in sorted((root / "runs").glob("*.json"), reverse=True):
        try:
            record: dict[str, Any] = json.loads(path.read_bytes())
        except ValueError:
            log.warning("%s is damaged; passed over", path)
            continue
        reached = {
            node["stage"] for node in record["nodes"] if not built or node["status"] == "built"
        }
        if profile in (None, record["request"]["profile"]) and (
            reaching is None or reaching in reached
        ):
            return record
    whose = f" of profile {profile}" if profile else ""
    far = f" that reached {reaching}" if reaching else ""
    raise StoreError(f"no run{whose}{far} in {root}", fix="start one with `xlm run`")
