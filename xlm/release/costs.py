"""What the stages of a run cost: the measured times of the artifacts that a model was made from.

    costs = read_costs(inputs.values())
    costs["pretrain"].cpu_seconds

The walk follows the manifests from the inputs of publish up to the downloads. An artifact that is
no longer in the store, or has no `run.json`, counts as not measured.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from xlm.errors import StoreError
from xlm.store.manifest import RUN_NAME, Manifest, read_manifest
from xlm.store.store import ArtifactStore
from xlm.training.records.curves import parse_record

GPU_TIME: Final = (
    "GPU hours count the time for which processes with a GPU ran, whether busy or not, in all "
    "sessions of a stage that was interrupted and continued. Time in a queue does not count."
)


@dataclass(frozen=True)
class StageTimes:
    """The measured times of all artifacts of one stage."""

    cpu_seconds: float = 0.0
    """Sum over processes."""
    gpu_seconds: float = 0.0
    """Sum over processes with a GPU, whether busy or not; see `gpu_time`."""
    units: int = 0
    unmeasured: int = 0
    """Artifacts without measurements; they are not in `units`."""
    unrecorded: int = 0
    """Artifacts of earlier versions, whose GPU time follows from the wall time."""


class GpuTime(NamedTuple):
    """The GPU time of an artifact."""

    seconds: float
    is_recorded: bool
    """Whether its processes recorded it."""


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
        return replace(cost, unmeasured=cost.unmeasured + 1)
    gpu = gpu_time(stage, manifest.resolved_config, run)
    return StageTimes(
        cost.cpu_seconds + cpu_seconds,
        cost.gpu_seconds + gpu.seconds,
        cost.units + 1,
        cost.unmeasured,
        cost.unrecorded + (not gpu.is_recorded),
    )


def gpu_time(stage: str, config: Mapping[str, Any], run: Mapping[str, Any]) -> GpuTime:
    """The time for which the processes of an artifact had a GPU, by its `run.json`.

    Earlier versions did not record it. There, it is the wall time by the number of processes, with
    a job's wait in a queue, and without sessions before the last one.

    Args:
        config: the configuration of the run that built the artifact.
    """
    if not (processes := _gpu_processes(stage, config)):
        return GpuTime(0.0, is_recorded=True)
    if "process_seconds" in run:
        return GpuTime(run["process_seconds"], is_recorded=True)
    return GpuTime(processes * run.get("wall_seconds", 0.0), is_recorded=False)


def unrecorded_line(artifacts: int) -> str:
    """A sentence about artifacts of earlier versions; empty if there are none."""
    if not artifacts:
        return ""
    noun = "artifact of an earlier version" if artifacts == 1 else "artifacts of earlier versions"
    return (
        f"The GPU hours of {artifacts} {noun} are wall time multiplied by processes: with time in "
        "a queue, and without sessions before the last one."
    )


def _gpu_processes(stage: str, config: Mapping[str, Any]) -> int:
    """How many processes of a stage have a GPU each, by the configuration of its run."""
    settings: dict[str, Any] = config.get("evaluate" if stage == "score" else stage) or {}
    if settings.get("device") != "cuda":
        return 0
    if stage == "score":
        return 1  # its processes are those of other cells
    processes = int(settings.get("processes", 1))
    # Fine-tuning starts no more processes than restarts.
    return min(processes, int(settings.get("restarts", processes)))
