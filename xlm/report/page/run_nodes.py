"""The artifacts of a run and everything that they were built from, with their manifests.

    nodes = RunNodes.of(store, record)
    nodes.of_stage("shard")            # one for each language and pair
    nodes.files("evaluate")            # its directory, or None if nothing is left of it

An artifact that the run did not select, such as the encoder of a run of `--only finetune`, is an
input: the manifests name it.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.report.measurements import read_measurements
from xlm.stages.registry import STAGES
from xlm.store.integrity.pruned import is_pruned
from xlm.store.manifest import Manifest, read_manifest
from xlm.store.store import ArtifactStore

INPUT = "input"
"""Status of an artifact that the run did not select."""


@dataclass(frozen=True)
class RunNode:
    """One artifact."""

    stage: str
    unit: str
    status: str
    """`built`, `cached`, `pulled`, `waited`, `pruned`, or `input`."""
    directory: Path
    manifest: Manifest | None
    """None if the artifact was removed."""
    measured: Mapping[str, Any]
    """The contents of `run.json`; empty if it cannot be read."""

    @property
    def name(self) -> str:
        """`tokenize[sw]`."""
        return self.stage if self.unit == "all" else f"{self.stage}[{self.unit}]"

    @property
    def wall_seconds(self) -> float:
        """How long its build took, in whichever run."""
        return float(self.measured.get("wall_seconds", 0.0))

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk; nothing is left of a pruned or removed artifact."""
        if self.manifest is None or is_pruned(self.directory):
            return 0
        return self.manifest.size_bytes


@dataclass(frozen=True)
class RunNodes:
    """The artifacts by stage, in the order of the DAG."""

    nodes: Sequence[RunNode]

    @classmethod
    def of(cls, store: ArtifactStore, record: Mapping[str, Any]) -> "RunNodes":
        """Read the manifests of a run, and of what its artifacts were built from."""
        found: dict[tuple[str, str], RunNode] = {}
        # The artifacts of the run come first: they have a status.
        waiting = deque(
            (node["stage"], node["unit"], node["status"], store.root / node["directory"])
            for node in record["nodes"]
        )
        while waiting:
            stage, unit, status, directory = waiting.popleft()
            if (stage, unit) in found:
                continue
            node = found[stage, unit] = _read(stage, unit, status, directory)
            for used in node.manifest.upstream.values() if node.manifest else ():
                path = store.directory(used.stage, used.key)
                waiting.append((used.stage, used.unit, INPUT, path))
        order = {stage.name: number for number, stage in enumerate(STAGES)}
        return cls(
            sorted(found.values(), key=lambda node: (order.get(node.stage, len(order)), node.unit))
        )

    @property
    def stages(self) -> list[str]:
        """The stages that have artifacts, in the order of the DAG."""
        return list(dict.fromkeys(node.stage for node in self.nodes))

    def of_stage(self, stage: str) -> list[RunNode]:
        """The artifacts of a stage, by unit."""
        return [node for node in self.nodes if node.stage == stage]

    def files(self, stage: str) -> Path | None:
        """The directory of a stage with one unit, or None if its files are not there."""
        for node in self.of_stage(stage):
            if node.manifest is not None and not is_pruned(node.directory):
                return node.directory
        return None


def _read(stage: str, unit: str, status: str, directory: Path) -> RunNode:
    manifest: Manifest | None = None
    measured: Mapping[str, Any] = {}
    with suppress(StoreError, OSError):
        manifest = read_manifest(directory)
    with suppress(StoreError):
        measured = read_measurements(directory)
    return RunNode(stage, unit, status, directory, manifest, measured)
