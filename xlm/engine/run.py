"""One run: its graph, its store, and the building of single nodes.

    with open_run(graph, request, root="data", workers=2, observer=observer) as run:  # opening.py
        for node in run.selected:
            run.build(node)

`build` computes the key of a node, then serves a verified artifact or builds one while it holds the
lock of the key. Many threads may call it, for each node after its inputs.
"""

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic

from xlm.engine.building.builder import Builder, BuildOrder
from xlm.engine.building.built import Built, verdict_line
from xlm.engine.building.inputs import CheckCost, InputChecks
from xlm.engine.building.restoring import in_threads
from xlm.engine.events import Finished, Observer
from xlm.engine.failures import failure_line
from xlm.engine.graph import Graph
from xlm.engine.interruption import Interruption
from xlm.engine.lookup import Hit, Lookup
from xlm.engine.node_key import key_ingredients
from xlm.engine.pruned_inputs import read_inputs
from xlm.engine.pruned_nodes import PrunedNodes
from xlm.engine.pushes import Pushes
from xlm.engine.request import RequestT
from xlm.engine.stage import ConfigT, Node, Stage
from xlm.errors import MissingUpstreamError, RequeueError, StoreError
from xlm.processes.pool.item_executor import ItemExecutor
from xlm.store.artifact import Artifact
from xlm.store.disk.locks import wait_for_writers
from xlm.store.integrity.pruned import is_pruned
from xlm.store.keys import artifact_key
from xlm.store.references import Reference, References
from xlm.store.remote.level import RemoteLevel
from xlm.store.store import ArtifactStore, Verify

log = logging.getLogger(__name__)


@dataclass
class DagRun(Generic[ConfigT, RequestT]):
    """One run of a request: the state that all its nodes share."""

    request: RequestT
    graph: Graph[ConfigT]
    store: ArtifactStore
    workers: int
    observer: Observer
    executor: ItemExecutor
    remote: RemoteLevel | None = None
    """The store that several machines share, if there is one."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    results: dict[Node, Built] = field(default_factory=dict)
    failures: dict[Node, str] = field(default_factory=dict)
    stopped: set[Node] = field(default_factory=set)
    """Nodes that stopped on request and saved their state: the next run continues them."""
    _artifacts: dict[Node, Artifact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.references = References(self.store.root)
        request = self.request
        self.selected = self.graph.select(
            first=request.first, until=request.until, only=request.only, refresh=request.refresh
        )
        self.interruption = Interruption()
        self.checks = InputChecks()
        self._lookup = Lookup(
            self.graph, self.store, self.remote, self.observer, self.checks, self.interruption
        )
        self._pruned = PrunedNodes(self.graph, request, self.store, self.remote, self._lookup)
        self.pushes = Pushes(self.remote, self.store, self.observer, self.interruption.check)
        self._builder = Builder(
            self.graph.config,
            self.store,
            self.executor,
            self.workers,
            self.observer,
            self.checks,
            self.interruption,
        )

    def build(self, node: Node) -> Built:
        """Serve a node from the store, or build it from its inputs, which must exist.

        Raises:
            MissingUpstreamError: an input outside of the selection has not been built.
            XlmError: the stage failed.
        """
        stage = self.graph.stage(node)
        try:
            self.interruption.check()
            built = self._serve_or_build(node, stage, self.request.verify)
        except Exception as error:
            self.failures[node] = (
                "interrupted" if self.interruption else failure_line(error, self.store.root)
            )
            if saved := isinstance(error, RequeueError):
                self.stopped.add(node)
            line = self.failures[node]
            self.observer.finished(Finished(node, "failed", detail=line, saved=saved))
            raise
        return built

    def _serve_or_build(
        self,
        node: Node,
        stage: Stage[Any, Any],
        verify: Verify,
        *,
        refresh: bool | None = None,
        read: bool = False,
    ) -> Built:
        """Serve or build a node.

        Args:
            node: the node.
            stage: its stage.
            verify: how to check a hit.
            refresh: whether to build it again; None: as requested.
            read: whether a node that is built reads its files, so that it must not stay pruned.
        """
        refresh = self.request.refreshes(node) if refresh is None else refresh
        built = self._served_or_built(node, stage, verify, refresh, read)
        self.pushes.after(built)
        return built

    def _served_or_built(
        self, node: Node, stage: Stage[Any, Any], verify: Verify, refresh: bool, read: bool
    ) -> Built:
        ingredients, upstream = self._ingredients(node, stage)
        key = artifact_key(ingredients)
        if not refresh and not read and (pruned := self._pruned.left(node, key)) is not None:
            return self._remember(Built(node, "pruned", pruned, 0.0), ingredients)
        if not refresh and (hit := self._hit(node, key, verify)) is not None:
            self.store.remove_leftover(node.stage, key)
            return self._remember(Built(node, hit.status, hit.artifact, 0.0), ingredients)
        self._restore_pruned_inputs(node)
        rebuilt, cost = self._rebuild_damaged_inputs(node)
        if rebuilt:
            # A rebuilt input with another digest gives another key.
            ingredients, upstream = self._ingredients(node, stage)
            key = artifact_key(ingredients)
        else:
            upstream = self._upstream(node)
        with self.store.lock(
            stage.name,
            key,
            self.interruption.check,
            lambda line: self.observer.noticed(node, line),
        ) as waited:
            # Another run may have built it since the first lookup.
            if not refresh and (hit := self._late_hit(node, key, verify, waited)) is not None:
                return self._remember(Built(node, hit.status, hit.artifact, 0.0), ingredients)
            self._wait_for_workers(node, key)
            self.pushes.expect(node, key)
            order = BuildOrder(
                node, stage, key, ingredients, upstream, cost, discard_files=rebuilt,
                accept_other_bytes=self.request.refreshes(node),
            )  # fmt: skip
            artifact, seconds = self._build(order)
            return self._remember(Built(node, "built", artifact, seconds), ingredients)

    def _hit(self, node: Node, key: str, verify: Verify) -> Hit | None:
        if (artifact := self._lookup.find(node, key, verify)) is not None:
            return Hit(artifact, "cached")
        return self._lookup.fetch(node, key, verify)

    def _late_hit(self, node: Node, key: str, verify: Verify, waited: bool) -> Hit | None:
        if (artifact := self._lookup.find(node, key, verify)) is not None:
            return Hit(artifact, "waited" if waited else "cached")
        return self._lookup.fetch_locked(node, key)

    def _build(self, order: BuildOrder) -> tuple[Artifact, float]:
        earlier = self.store.digest(order.stage.name, order.key)
        was_pruned = self.store.find_pruned(order.stage.name, order.key) is not None
        artifact, seconds = self._builder.build(order)
        if earlier is not None and (was_pruned or self.request.refreshes(order.node)):
            self.observer.noticed(order.node, verdict_line(earlier, artifact.manifest.digest))
        return artifact, seconds

    def _wait_for_workers(self, node: Node, key: str) -> None:
        """Wait until the workers of a driver that was killed have ended: they may still write."""
        wait_for_writers(
            self.store.writers_lock(node.stage, key),
            self.interruption.check,
            lambda line: self.observer.noticed(node, line),
        )

    def _rebuild_damaged_inputs(self, node: Node) -> tuple[bool, CheckCost]:
        """Hash the inputs of a node before it is built, and rebuild those that are damaged.

        Returns whether any was rebuilt, and the cost of hashing.

        Raises:
            StoreError: an input is damaged and outside of the selection.
        """
        rebuilt, total = False, CheckCost()
        for needed in read_inputs(self.graph, node):
            reason, cost = self.checks.damage(self.locate(needed))
            total += cost
            if reason is None:
                continue
            if needed not in self.selected and not self._repaired(needed):
                request = self.request.building(str(needed)).model_copy(update={"verify": "deep"})
                command = request.command(self.store.root)
                raise StoreError(
                    f"{needed}, an input of {node}, is damaged ({reason})",
                    fix=f"rebuild it with `{command}`",
                )
            rebuilt = True
            if needed not in self.selected:
                continue
            self.observer.noticed(needed, f"is damaged ({reason}); rebuilding it first")
            built = self._serve_or_build(
                needed, self.graph.stage(needed), "deep", refresh=False, read=True
            )
            self.checks.wrote(built.artifact)
        return rebuilt, total

    def _restore_pruned_inputs(self, node: Node) -> None:
        """Build the pruned inputs of a node again, which reads their files.

        Raises:
            MissingUpstreamError: one is outside of the selection.
            StoreError: one was built with other bytes.
        """
        pruned = [one for one in read_inputs(self.graph, node) if self._is_pruned(one)]
        for needed in pruned:
            if needed not in self.selected and not self._repaired(needed):
                raise self._pruned.error(needed, node)
            if needed in self.selected:
                self.observer.noticed(needed, f"was pruned, and {node} reads it: building it again")
        in_threads(
            lambda needed: self._serve_or_build(
                needed, self.graph.stage(needed), "fast", refresh=False, read=True
            ),
            [one for one in pruned if one in self.selected],
        )

    def _is_pruned(self, node: Node) -> bool:
        return is_pruned(self.locate(node).directory)

    def _repaired(self, node: Node) -> bool:
        """Replace a damaged or pruned artifact outside of the selection from the remote store."""
        key = self.locate(node).manifest.key
        if (hit := self._lookup.fetch(node, key, "deep")) is None:
            return False
        self._artifacts[node] = hit.artifact
        return True

    def seconds(self) -> float:
        """Seconds since the run began, by a clock that cannot be set back."""
        return time.monotonic() - self.began

    def locate(self, node: Node) -> Artifact:
        """Return the artifact of a node without building it.

        Raises:
            MissingUpstreamError: it does not exist; the message has the command that builds it.
        """
        if node in self._artifacts:
            return self._artifacts[node]
        stage = self.graph.stage(node)
        try:
            ingredients, _ = self._ingredients(node, stage)
            key = artifact_key(ingredients)
            if (pruned := self._lookup.find_pruned(node, key)) is not None:
                hit: Hit | None = Hit(pruned, "pruned")
            else:
                hit = self._hit(node, key, self.request.verify)
        except MissingUpstreamError:
            # An input of this node is missing too. One command builds both.
            hit = None
        if hit is None:
            raise MissingUpstreamError(
                f"{node} has not been built",
                fix=f"run `{self.request.building(node.stage).command(self.store.root)}`",
            )
        self._artifacts[node] = hit.artifact
        return hit.artifact

    def locate_unselected(self) -> None:
        """Locate the inputs outside of the selection before anything is built.

        Raises:
            MissingUpstreamError: one does not exist; the message has the command that builds it.
        """
        selected = set(self.selected)
        for node in self.selected:
            for needed in self.graph.upstream[node].values():
                if needed not in selected:
                    self.locate(needed)
        self._require_unselected(selected)

    def _require_unselected(self, selected: set[Node]) -> None:
        """Refuse a build that reads a pruned input which the selection does not build.

        Raises:
            MissingUpstreamError: the message has the command that builds it.
        """
        for node in self.selected:
            for needed in read_inputs(self.graph, node):
                if needed in selected or not self._is_pruned(needed):
                    continue
                if self._pruned.is_needed(needed) and not self._repaired(needed):
                    raise self._pruned.error(needed, node)

    def _ingredients(
        self, node: Node, stage: Stage[Any, Any]
    ) -> tuple[dict[str, Any], dict[str, Artifact]]:
        upstream = self._upstream(node)
        digests = {role: artifact.manifest.digest for role, artifact in upstream.items()}
        return key_ingredients(self.graph, node, digests), upstream

    def _upstream(self, node: Node) -> dict[str, Artifact]:
        return {role: self.locate(needed) for role, needed in self.graph.upstream[node].items()}

    def _remember(self, built: Built, ingredients: dict[str, Any]) -> Built:
        node, manifest = built.node, built.artifact.manifest
        self._artifacts[node] = built.artifact
        self.results[node] = built
        self.failures.pop(node, None)  # an earlier attempt may have failed
        self.references.record(
            self.request.profile,
            node.stage,
            node.unit,
            Reference(manifest.key, manifest.digest, ingredients),
        )
        self.observer.finished(Finished(node, built.status, built.seconds, manifest.digest))
        return built
