"""Documents of running stages (mixture, curves) as Prefect markdown artifacts.

Each document of a node is one artifact, which is updated in place, at most every 30 seconds.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client

from tasks.progress import artifact_key
from tasks.reach import ServerReach
from xlm.engine.events import Finished
from xlm.engine.stage import Node

INTERVAL_SECONDS = 30.0


@dataclass
class _Document:
    text: str = ""
    is_new: bool = False
    next_write: float = 0.0
    artifact: UUID | None = None


class DocumentArtifacts:
    """An observer that shows the documents of running nodes in the UI."""

    def __init__(self, reach: ServerReach | None = None) -> None:
        self._reach = reach or ServerReach()
        self._documents: dict[Node, dict[str, _Document]] = {}
        self._lock = threading.Lock()

    def expected(self, sizes: Mapping[Node, int]) -> None:
        """Ignore downloads."""

    def started(self, node: Node) -> None:
        """Start without documents."""
        with self._lock:
            self._documents[node] = {}

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Write documents that had to wait."""
        for name, document in list(self._documents.get(node, {}).items()):
            self._write(node, name, document)

    def shown(self, node: Node, name: str, document: str) -> None:
        """Keep the newest text of a document, and write it if the interval has passed."""
        known = self._documents.setdefault(node, {}).setdefault(name, _Document())
        known.text, known.is_new = document, True
        self._write(node, name, known)

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """Ignore log lines."""

    def noticed(self, node: Node, line: str) -> None:
        """Ignore notices; they are in the log of the flow."""

    def finished(self, event: Finished) -> None:
        """Write the last texts at once."""
        with self._lock:
            documents = self._documents.pop(event.node, {})
        for name, document in documents.items():
            document.next_write = 0.0
            self._write(event.node, name, document)

    def _write(self, node: Node, name: str, document: _Document) -> None:
        if not document.is_new or time.monotonic() < document.next_write:
            return
        if self._reach.attempt(f"{name} of {node}", lambda: _put(node, name, document)):
            document.is_new = False
        document.next_write = time.monotonic() + INTERVAL_SECONDS


def _put(node: Node, name: str, document: _Document) -> None:
    if document.artifact is None:
        created = create_markdown_artifact(
            document.text, key=artifact_key(node, name), description=f"{name} of {node}"
        )
        # The type allows an awaitable, but in a synchronous task it never is one.
        document.artifact = cast(UUID, created)
        return
    # A new artifact with the same key would keep all old pictures. So would `update_artifact` of
    # the client, which emits an event with the whole text.
    with get_client(sync_client=True) as client:
        client.request(
            "PATCH",
            "/artifacts/{id}",
            json={"data": document.text},
            path_params={"id": document.artifact},
        )
