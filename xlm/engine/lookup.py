"""Finds the artifacts of nodes: in the store, else in the remote store, from which they are pulled.

hit = lookup.find(node, key, "fast")           # in the store
hit = lookup.fetch(node, key, "fast")          # in the remote store; pulled under the key's lock
"""

import logging
from dataclasses import dataclass
from typing import Generic, NamedTuple

from xlm.engine.building.inputs import InputChecks
from xlm.engine.events import Observer, Status
from xlm.engine.graph import Graph
from xlm.engine.interruption import Interruption
from xlm.engine.node_key import stale_reason
from xlm.engine.stage import ConfigT, Node
from xlm.store.artifact import Artifact
from xlm.store.remote.layout import RemoteManifest
from xlm.store.remote.level import RemoteLevel
from xlm.store.remote.transfers import ByteCount
from xlm.store.store import ArtifactStore, Verify

log = logging.getLogger(__name__)


class Hit(NamedTuple):
    """An artifact that serves a node, and how it was found."""

    artifact: Artifact
    status: Status


@dataclass(frozen=True)
class Lookup(Generic[ConfigT]):
    """Finds artifacts for one run. Methods are called from many threads."""

    graph: Graph[ConfigT]
    store: ArtifactStore
    remote: RemoteLevel | None
    observer: Observer
    checks: InputChecks
    interruption: Interruption

    def find(self, node: Node, key: str, verify: Verify) -> Artifact | None:
        """Return the artifact of a key in the store if it may serve the node."""
        artifact = self.store.find(node.stage, key, verify)
        if artifact is None:
            return None
        if (reason := stale_reason(self.graph, node, artifact.manifest)) is not None:
            log.warning("%s is rebuilt: %s", node, reason)
            return None
        return artifact

    def find_pruned(self, node: Node, key: str) -> Artifact | None:
        """Return the pruned artifact of a key, of which only the manifest is left."""
        artifact = self.store.find_pruned(node.stage, key)
        if artifact is None or stale_reason(self.graph, node, artifact.manifest) is not None:
            return None
        return artifact

    def fetch(self, node: Node, key: str, verify: Verify) -> Hit | None:
        """Pull the artifact of a key, unless another process has published it meanwhile.

        Raises:
            StoreError: the disk has too little free space.
        """
        found = self._in_remote(node, key)
        if found is None:
            return None
        with self.store.lock(
            node.stage,
            key,
            self.interruption.check,
            lambda line: self.observer.noticed(node, line),
        ):
            if (artifact := self.find(node, key, verify)) is not None:
                return Hit(artifact, "waited")
            return self._pull(node, found)

    def fetch_locked(self, node: Node, key: str) -> Hit | None:
        """Pull the artifact of a key. The caller holds the key's lock and found nothing."""
        found = self._in_remote(node, key)
        return None if found is None else self._pull(node, found)

    def _in_remote(self, node: Node, key: str) -> RemoteManifest | None:
        if self.remote is None:
            return None
        found = self.remote.find(node.stage, key, self.interruption.check)
        if found is not None and (reason := stale_reason(self.graph, node, found.manifest)):
            log.warning("%s in the remote store is not used: %s", node, reason)
            self.remote.outdated(node.stage, key)
            return None
        pruned = self.find_pruned(node, key)
        if found and pruned and found.manifest.digest != pruned.manifest.digest:
            log.warning("%s in the remote store is not used: it has other bytes", node)
            return None
        return found

    def _pull(self, node: Node, found: RemoteManifest) -> Hit | None:
        if self.remote is None:
            return None
        total = float(found.manifest.size_bytes)
        self.observer.started(node)
        count = ByteCount(
            lambda done: self.observer.progressed(node, float(done), total, "bytes", "pulled")
        )
        artifact = self.remote.pull(found, count.add, self.interruption.check)
        if artifact is None:
            return None
        self.checks.wrote(artifact)
        return Hit(artifact, "pulled")
