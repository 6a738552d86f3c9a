"""The pruned artifacts of one run: which of them stay pruned, and the error for those out of reach.

pruned = PrunedNodes(graph, request, store, remote, lookup)
pruned.left(node, key)        # its manifest is enough; None: serve or build it
"""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic

from xlm.engine.graph import Graph
from xlm.engine.lookup import Lookup
from xlm.engine.plan import Planner
from xlm.engine.request import RequestT
from xlm.engine.stage import ConfigT, Node
from xlm.errors import MissingUpstreamError
from xlm.store.artifact import Artifact
from xlm.store.remote.level import RemoteLevel
from xlm.store.store import ArtifactStore


@dataclass
class PrunedNodes(Generic[ConfigT, RequestT]):
    """Answers for the nodes of one run. Methods are called from many threads."""

    graph: Graph[ConfigT]
    request: RequestT
    store: ArtifactStore
    remote: RemoteLevel | None
    lookup: Lookup[ConfigT]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def left(self, node: Node, key: str) -> Artifact | None:
        """The pruned artifact of a key, if no node that is certainly built reads its files."""
        artifact = self.lookup.find_pruned(node, key)
        return None if artifact is None or self.is_needed(node) else artifact

    def is_needed(self, node: Node) -> bool:
        """Whether this run needs or writes the files of a node."""
        with self._lock:
            return node in self._needed

    @cached_property
    def _needed(self) -> frozenset[Node]:
        """Planned at the first question: most stores have no pruned artifact."""
        request = self.request.model_copy(update={"verify": "fast"})
        planned = Planner(self.graph, request, self.store, remote=self.remote).planned(certain=True)
        return frozenset(
            node for node, one in planned.items() if one.status not in ("cached", "pruned")
        )

    def error(self, needed: Node, reader: Node) -> MissingUpstreamError:
        """The error for a pruned input outside of the selection."""
        command = self.request.building(str(needed)).command(self.store.root)
        return MissingUpstreamError(
            f"{needed}, an input of {reader}, was pruned", fix=f"build it again with `{command}`"
        )
