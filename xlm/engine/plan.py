"""Predicts what a run would do and why. A plan names each changed value and builds nothing.

for planned in plan(graph, request, store):
    print(planned.node, planned.status, "; ".join(planned.reasons))
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from xlm.display.markdown import format_size
from xlm.engine.graph import Graph
from xlm.engine.node_key import key_ingredients, stale_reason
from xlm.engine.pruned_inputs import needed_pruned
from xlm.engine.request import BuildRequest
from xlm.engine.stage import Node, Stage
from xlm.store.keys import artifact_key
from xlm.store.manifest import Manifest, read_manifest
from xlm.store.references import Reference, References
from xlm.store.remote.level import RemoteLevel
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.store import ArtifactStore

log = logging.getLogger(__name__)

PlanStatus = Literal["cached", "pruned", "remote", "build", "pending"]
"""`pruned`: its files were removed, and nothing in the run reads them. `remote`: the run pulls it.
`pending`: its inputs are built first; if their bytes stay the same, it stays cached."""

_ABSENT = "nothing"
_LONGEST_VALUE = 120
"""Characters of a value in a reason."""


@dataclass(frozen=True)
class PlannedNode:
    """One node of the plan; `size` and `urls` only as far as they are known in advance.

    `manifest` is that of the artifact, also of one that was pruned and is built again.
    """

    node: Node
    status: PlanStatus
    reasons: tuple[str, ...]
    size: str = ""
    key: str | None = None
    urls: tuple[str, ...] = ()
    manifest: Manifest | None = None


def plan(
    graph: Graph[Any],
    request: BuildRequest,
    store: ArtifactStore,
    remote: RemoteStore | None = None,
) -> list[PlannedNode]:
    """Return what a run of the request would do with each selected node, in order.

    Only manifests are read from the remote store. If it does not answer, that is a warning.

    Raises:
        ConfigError: the selection names something unknown, or the configuration lacks what a
            selected stage requires.
    """
    planned = plan_all(graph, request, store, remote)
    return [planned[node] for node in selected_nodes(graph, request)]


def plan_all(
    graph: Graph[Any],
    request: BuildRequest,
    store: ArtifactStore,
    remote: RemoteStore | None = None,
) -> dict[Node, PlannedNode]:
    """Return the plan of all nodes, also of those that the request does not select; see `plan`."""
    store.keep_digests()
    with store.tool_cache() as cache:
        level = None if remote is None else RemoteLevel(remote, store, log.warning)
        return Planner(graph, request, store, cache, level).planned()


def selected_nodes(graph: Graph[Any], request: BuildRequest) -> tuple[Node, ...]:
    """The nodes that a request selects; see `Graph.select`."""
    return graph.select(
        first=request.first, until=request.until, only=request.only, refresh=request.refresh
    )


class Planner:
    """Plans all nodes of a graph for one request.

    Args:
        graph: the DAG.
        request: what a run would build.
        store: where artifacts are looked up.
        cache: directory for previews of what is not built; without it, there are none.
        remote: a store from which a run would pull.
    """

    def __init__(
        self,
        graph: Graph[Any],
        request: BuildRequest,
        store: ArtifactStore,
        cache: Path | None = None,
        remote: RemoteLevel | None = None,
    ) -> None:
        self._remote = remote
        self._request = request
        self._store = store
        self._graph = graph
        self._cache = cache
        self._references = References(store.root)
        self._digests: dict[Node, str] = {}

    def planned(self, *, certain: bool = False) -> dict[Node, PlannedNode]:
        """Return what a run would do with each node; only the selected ones are built.

        Args:
            certain: leave a node pruned if only a pending node reads it, which may stay cached.

        Raises:
            ConfigError: the selection is not valid.
        """
        selected = selected_nodes(self._graph, self._request)
        found = {node: self._plan_node(node) for node in self._graph.nodes}
        statuses = ("build",) if certain else ("build", "pending")
        built = [node for node, one in found.items() if one.status in statuses]
        pruned = [node for node, one in found.items() if one.status == "pruned"]
        for node, reader in needed_pruned(self._graph, selected, built, pruned).items():
            found[node] = self._restored(found[node], reader)
        return found

    def _restored(self, planned: PlannedNode, reader: Node | None) -> PlannedNode:
        """The plan of a pruned node that has to be built again."""
        node, key = planned.node, planned.key or ""
        if planned.manifest and self._in_remote(node, key, planned.manifest.digest):
            return replace(planned, status="remote", reasons=())
        reason = f"pruned, but {reader} reads it" if reader else "pruned, but requested"
        preview = self._preview(self._graph.stage(node), node)
        return replace(planned, status="build", reasons=(reason,), **preview)

    def _plan_node(self, node: Node) -> PlannedNode:
        stage = self._graph.stage(node)
        inputs = self._graph.upstream[node]
        last = self._last(node)
        missing = [needed for needed in inputs.values() if needed not in self._digests]
        digests = {
            role: self._digests[needed] for role, needed in inputs.items() if needed not in missing
        }
        ingredients = key_ingredients(self._graph, node, digests)
        if missing:
            changed = _changes(last, ingredients, inputs, set(missing)) if last else ["never built"]
            reasons = (*changed, f"after {_list_nodes(missing)}")
            return PlannedNode(node, "pending", reasons, **self._preview(stage, node))
        key = artifact_key(ingredients)
        if (manifest := self._pruned(node, key)) is not None:
            return self._found(node, "pruned", manifest)
        reason = self._reason(stage, node, key, ingredients, last)
        if reason:
            if (manifest := self._in_remote(node, key)) is not None:
                return self._found(node, "remote", manifest)
            return PlannedNode(node, "build", reason, key=key, **self._preview(stage, node))
        return self._found(node, "cached", read_manifest(self._store.directory(stage.name, key)))

    def _found(self, node: Node, status: PlanStatus, manifest: Manifest) -> PlannedNode:
        self._digests[node] = manifest.digest
        size = format_size(manifest.size_bytes)
        return PlannedNode(node, status, (), size, manifest.key, _urls(manifest), manifest)

    def _pruned(self, node: Node, key: str) -> Manifest | None:
        """The manifest of a pruned artifact that may serve the node."""
        if self._request.refreshes(node):
            return None
        found = self._store.find_pruned(node.stage, key)
        if found is None or stale_reason(self._graph, node, found.manifest) is not None:
            return None
        return found.manifest

    def _in_remote(self, node: Node, key: str, digest: str | None = None) -> Manifest | None:
        """The manifest in the remote store, if the run would pull the artifact."""
        if self._remote is None or self._request.refreshes(node):
            return None
        found = self._remote.find(node.stage, key)
        if found is None or stale_reason(self._graph, node, found.manifest) is not None:
            return None
        return found.manifest if digest in (None, found.manifest.digest) else None

    def _reason(
        self,
        stage: Stage[Any, Any],
        node: Node,
        key: str,
        ingredients: Mapping[str, Any],
        last: Reference | None,
    ) -> tuple[str, ...]:
        """The reasons to build the node; empty for a hit."""
        if self._request.refreshes(node):
            return ("refresh requested",)
        if (pruned := self._store.find_pruned(stage.name, key)) is not None:
            return (stale_reason(self._graph, node, pruned.manifest) or "pruned",)
        directory = self._store.directory(stage.name, key)
        if directory.exists():
            damage = self._store.damage(stage.name, key, self._request.verify)
            if damage is not None:
                return (f"damaged: {damage}",)
            stale = stale_reason(self._graph, node, read_manifest(directory))
            return (stale,) if stale else ()
        if last is None:
            return ("never built",)
        changes = _changes(last, ingredients, self._graph.upstream[node], set())
        return tuple(changes) or ("removed from the store",)

    def _last(self, node: Node) -> Reference | None:
        return self._references.last(self._request.profile, node.stage, node.unit)

    def _preview(self, stage: Stage[Any, Any], node: Node) -> dict[str, Any]:
        if stage.preview is None or self._cache is None:
            return {}
        preview = stage.preview(self._graph.config, node.unit, self._cache)
        return {"urls": preview.urls, "size": preview.size}


def _changes(
    last: Reference,
    now: Mapping[str, Any],
    inputs: Mapping[str, Node],
    unknown: set[Node],
) -> list[str]:
    before = last.ingredients
    reasons = []
    if before["code_version"] != now["code_version"]:
        reasons.append(f"code version {before['code_version']} -> {now['code_version']}")
    for label, section in (("", "config"), ("tool ", "tools")):
        for name, (old, new) in _differences(before[section], now[section]).items():
            reasons.append(f"{label}{name}: {_shown(old)} -> {_shown(new)}")
    reasons += _upstream_changes(before["upstream"], now["upstream"], inputs, unknown)
    return reasons


def _upstream_changes(
    before: Mapping[str, str],
    now: Mapping[str, str],
    inputs: Mapping[str, Node],
    unknown: set[Node],
) -> list[str]:
    added = [inputs[role] for role in inputs if role not in before]
    removed = [role for role in before if role not in inputs]
    changed = [
        inputs[role]
        for role, digest in now.items()
        if role in before and before[role] != digest and inputs[role] not in unknown
    ]
    reasons = []
    if added:
        reasons.append(f"new input {_list_nodes(added)}")
    if removed:
        reasons.append(f"input removed: {', '.join(removed)}")
    if changed:
        reasons.append(f"input changed: {_list_nodes(changed)}")
    return reasons


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Dotted name to (old, new) for every value that differs."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = _by_position(before.get(name, _ABSENT)), _by_position(now.get(name, _ABSENT))
        if isinstance(old, dict) and isinstance(new, dict):
            found |= _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            found[f"{prefix}{name}"] = (old, new)
    return found


def _shown(value: Any) -> str:
    """A value on a line with others: whole sections are cut."""
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _by_position(value: Any) -> Any:
    """A list of lists or mappings as a mapping of positions, so that a change in it is found."""
    if isinstance(value, list) and value and all(isinstance(one, dict | list) for one in value):
        return {str(position): one for position, one in enumerate(value)}
    return value


def _list_nodes(nodes: list[Node], most: int = 4) -> str:
    names = [str(node) for node in nodes[:most]]
    more = f" and {len(nodes) - most} more" if len(nodes) > most else ""
    return ", ".join(names) + more


def _urls(manifest: Manifest) -> tuple[str, ...]:
    return tuple(str(source["address"]) for source in manifest.sources)
