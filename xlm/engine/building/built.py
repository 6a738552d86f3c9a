"""The result of a node, and what its manifest and `run.json` record about the build."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from xlm.engine.building.inputs import CheckCost
from xlm.engine.building.machine import machine_record
from xlm.engine.building.mapper import Usage, resident_memory_bytes
from xlm.engine.config import Config
from xlm.engine.events import Status
from xlm.engine.stage import Node, Source, StageResult
from xlm.store.artifact import Artifact
from xlm.store.manifest import UpstreamRecord


@dataclass(frozen=True)
class Built:
    """A node and its artifact. `seconds` is the time of the stage alone, without waits."""

    node: Node
    status: Status
    artifact: Artifact
    seconds: float


@dataclass(frozen=True)
class Amounts:
    """How much a stage read, and how many workers it had."""

    input_bytes: int
    """Sum of the artifacts of which it read files."""
    workers: int


def verdict_line(before: str, now: str) -> str:
    """The result of a refresh in one line: the same digest or another one."""
    if before == now:
        return f"rebuilt: identical, digest {now[:12]}"
    return f"rebuilt: different, digest {now[:12]} instead of {before[:12]}"


def description_of(
    key: str,
    ingredients: Mapping[str, Any],
    upstream: Mapping[str, Artifact],
    result: StageResult,
    config: Config,
) -> dict[str, Any]:
    """The manifest's fields except files and digest. The inputs have been verified by now."""
    return {
        **{name: ingredients[name] for name in ("stage", "unit", "code_version", "config")},
        "key": key,
        "tools": ingredients["tools"],
        "upstream": {role: _record(artifact) for role, artifact in upstream.items()},
        "counts": dict(result.counts),
        "sources": [_source(source) for source in result.sources],
        "resolved_config": config.model_dump(mode="json"),
    }


def measured_of(
    result: StageResult, seconds: float, usage: Usage, checks: CheckCost, amounts: Amounts
) -> dict[str, Any]:
    """The measurements of a build, for `run.json`.

    `cpu_seconds` is the sum over workers, programs and the driver's thread. `peak_memory_bytes` is
    the peak of the largest worker or program. A stage without either, such as a download, runs in
    the driver, which many stages share: there it is the driver's resident memory at the end.
    `input_check_seconds` and `input_check_bytes` are the cost of hashing inputs that nothing else
    in this run had hashed. Plans estimate later builds from these numbers and from `amounts`.
    """
    measured = dict(result.measured)
    peak = max(int(measured.get("peak_memory_bytes", 0)), usage.peak_memory_bytes)
    cpu = float(measured.get("cpu_seconds", 0.0)) + usage.cpu_seconds
    # A job of a cluster has measured its own machine.
    return (
        machine_record()
        | measured
        | checks.measured()
        | asdict(amounts)
        | {
            "wall_seconds": round(seconds, 3),
            "cpu_seconds": round(cpu, 3),
            "peak_memory_bytes": peak or resident_memory_bytes(),
            "finished": datetime.now(UTC).isoformat(),
        }
    )


def _record(artifact: Artifact) -> UpstreamRecord:
    manifest = artifact.manifest
    return UpstreamRecord(
        stage=manifest.stage,
        unit=manifest.unit,
        key=manifest.key,
        digest=manifest.digest,
        verified=True,
    )


def _source(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "address": source.url,
        "licence": source.licence,
        "size_bytes": source.size_bytes,
        "sha256": source.sha256,
        **({"redirected_to": source.redirected_to} if source.redirected_to else {}),
    }
