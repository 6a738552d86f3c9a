"""What `xlm store prune` may prune: artifacts that only finished later stages needed.

The recorded runs say which configurations count. For each of them, the DAG is compared with the
store: an intermediate artifact can be pruned if all nodes that read it are built. An artifact that
an unfinished node of another run reads is kept.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from xlm.config.pipeline import PipelineConfig
from xlm.engine.graph import Graph
from xlm.engine.plan import PlannedNode, Planner
from xlm.engine.pruned_inputs import read_inputs
from xlm.engine.stage import Node, Stage
from xlm.errors import XlmError
from xlm.pipeline.needed import kept_runs
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_lookup import run_label
from xlm.stages.registry import STAGES
from xlm.store.keys import canonical_json
from xlm.store.leases import HeldKey
from xlm.store.remote.pending import PendingPushes
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored, stored_artifacts


@dataclass
class Prunable:
    """The artifacts that can be pruned, and why others are kept."""

    artifacts: list[Stored] = field(default_factory=list)
    kept: dict[HeldKey, str] = field(default_factory=dict)
    """Why an intermediate artifact is kept, by stage and key."""


def prunable_artifacts(
    store: ArtifactStore,
    keep_runs: int,
    keep_stages: Collection[str] = (),
    stages: Sequence[Stage[PipelineConfig, Any]] = STAGES,
) -> Prunable:
    """Find what can be pruned.

    Args:
        store: the store.
        keep_runs: number of last runs that count, next to those that have a name or still run.
        keep_stages: stages of which nothing is pruned.
        stages: the DAG.

    Raises:
        StoreError: a run record is damaged: it is not known what it needs.
    """
    done: set[HeldKey] = set()
    found = Prunable()
    for record in _configurations(kept_runs(store.root, keep_runs)):
        planned = _plan(store, record, stages)
        if isinstance(planned, str):
            # Its artifacts may still be continued, by another version or on another machine.
            for node in record["nodes"]:
                name = str(node["directory"]).rpartition("/")[2].partition(".")[0]
                found.kept[node["stage"], name] = f"run {run_label(record)} {planned}"
            continue
        graph, nodes = planned
        for key, reader in _intermediate(graph, nodes):
            if reader is None:
                done.add(key)
            else:
                found.kept[key] = f"{reader} of run {run_label(record)} is not built"
    for pushed in PendingPushes(store.root):
        found.kept[pushed] = "it is not pushed to the remote store yet"
    found.kept |= {key: f"--keep {key[0]}" for key in done if key[0] in keep_stages}
    found.artifacts = [
        one
        for one in stored_artifacts(store)
        if one.served
        and one.manifest is not None
        and not one.is_pruned
        and (one.stage, one.key) in done
        and (one.stage, one.key) not in found.kept
    ]
    return found


def _configurations(records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The newest record of each configuration."""
    seen = set()
    for record in records:
        if (name := canonical_json(record.get("config"))) not in seen:
            seen.add(name)
            yield record


def _plan(
    store: ArtifactStore, record: Mapping[str, Any], stages: Sequence[Stage[PipelineConfig, Any]]
) -> tuple[Graph[PipelineConfig], dict[Node, PlannedNode]] | str:
    """What a run of everything would do now, or why that cannot be known."""
    try:
        graph = Graph.of(PipelineConfig.model_validate(record["config"]), stages)
        request = RunRequest.model_validate(record["request"]).building()
        fast = request.model_copy(update={"verify": "fast"})
        return graph, Planner(graph, fast, store).planned()
    except (KeyError, ValidationError):
        return "is of another version"
    except XlmError as error:
        return f"cannot be planned here ({error.what})"


def _intermediate(
    graph: Graph[PipelineConfig], planned: Mapping[Node, PlannedNode]
) -> Iterator[tuple[HeldKey, Node | None]]:
    """Yield the key of each stored intermediate artifact, and a reader that is not built, if any.

    One that nothing reads is not intermediate in this DAG, and is left out.
    """
    readers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for needed in read_inputs(graph, node):
            readers.setdefault(needed, []).append(node)
    for node, one in planned.items():
        if not graph.stage(node).intermediate or one.status != "cached" or one.key is None:
            continue
        if node in readers:
            unbuilt = (
                reader
                for reader in readers[node]
                if planned[reader].status not in ("cached", "pruned")
            )
            yield (node.stage, one.key), next(unbuilt, None)
