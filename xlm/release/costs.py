"""What the stages of a run cost: the measured times of the artifacts that a model was made from.

    costs = read_costs(inputs.values())
    costs["pretrain"].cpu_seconds

The walk follows the manifests from the inputs of publish up to the downloads. An artifact that is
no longer in the store, or has no `run.json`, counts as not measured.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.store.manifest import RUN_NAME, Manifest, read_manifest
from xlm.store.store import ArtifactStore
from xlm.training.records.curves import parse_record


@dataclass(frozen=True)
class StageTimes:
    """The measured times of all artifacts of one stage."""

    cpu_seconds: float = 0.0
    """Sum over processes."""
    gpu_seconds: float = 0.0
    """Wall time by processes with a GPU, whether busy or not; a job's wait in a queue is part."""
    units: int = 0
    unmeasured: int = 0
    """Artifacts without measurements; they are not in `units`."""


def read_costs(inputs: Iterable[Path]) -> dict[str, StageTimes]:
    """Sum the measured times by stage over the artifacts and everything that they were made from.

    Raises:
        DataError: a `run.json` is damaged.
    """
    costs: dict[str, StageTimes] = {}
    for stage, directory in sorted(_artifacts(inputs)):
        costs[stage] = _added(costs.get(stage, StageTimes()), stage, directory)
    return costs


def _artifacts(inputs: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Stage and directory of all artifacts upstream, each once."""
    seen: set[Path] = set()
    waiting = [(one.stage, path) for path in inputs if (one := _manifest(path)) is not None]
    while waiting:
        stage, directory = waiting.pop()
        if directory in seen:
            continue
        seen.add(directory)
        yield stage, directory
        if (manifest := _manifest(directory)) is not None:
            store = ArtifactStore(directory.parents[2])
            waiting += [
                (one.stage, store.directory(one.stage, one.key))
                for one in manifest.upstream.values()
            ]


def _manifest(directory: Path) -> Manifest | None:
    try:
        return read_manifest(directory)
    except StoreError:
        return None


def _added(cost: StageTimes, stage: str, directory: Path) -> StageTimes:
    path = directory / RUN_NAME
    try:
        run = parse_record(path.read_bytes(), path)
    except OSError:
        run = {}
    cpu_seconds, manifest = run.get("cpu_seconds"), _manifest(directory)
    if cpu_seconds is None or manifest is None:
        return StageTimes(cost.cpu_seconds, cost.gpu_seconds, cost.units, cost.unmeasured + 1)
    return StageTimes(
        cost.cpu_seconds + cpu_seconds,
        cost.gpu_seconds
        + gpu_processes(stage, manifest.resolved_config) * run.get("wall_seconds", 0.0),
        cost.units + 1,
        cost.unmeasured,
    )


def gpu_processes(stage: str, config: Mapping[str, Any]) -> int:
    """How many processes of a stage have a GPU each, by the configuration of its run."""
    settings: dict[str, Any] = config.get("evaluate" if stage == "score" else stage) or {}
    if settings.get("device") != "cuda":
        return 0
    if stage == "score":
        return 1  # its processes are those of other cells
    processes = int(settings.get("processes", 1))
    # Fine-tuning starts no more processes than restarts.
    return min(processes, int(settings.get("restarts", processes)))
