"""Progress of running nodes as Prefect progress artifacts, written at most every five seconds."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from tasks.reach import ServerReach
from xlm.display.transfers import Transfers
from xlm.engine.events import Finished
from xlm.engine.stage import ALL, Node
from xlm.stages.data.download import DOWNLOAD

TRANSFERS = Node(DOWNLOAD.name, ALL)
"""In place of the single downloads, which have one artifact together."""
INTERVAL_SECONDS = 5.0
"""A write is an API call; nodes that end sooner get no artifact."""


@dataclass
class _Shown:
    next_write: float
    artifact: UUID | None = None


class ProgressArtifacts:
    """An observer that shows the percentage of each long-running node in the UI."""

    def __init__(self, reach: ServerReach | None = None) -> None:
        self._shown: dict[Node, _Shown] = {}
        self._transfers = Transfers()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._reach = reach or ServerReach()

    def expected(self, sizes: Mapping[Node, int]) -> None:
        """Keep the sizes of downloads, for the total of all of them."""
        self._transfers.expect({str(node): size for node, size in sizes.items()})

    def started(self, node: Node) -> None:
        """Wait for an interval before the first write."""
        with self._lock:
            next_write = time.monotonic() + INTERVAL_SECONDS
            if node.stage == DOWNLOAD.name:
                self._transfers.start(str(node))
                self._shown.setdefault(TRANSFERS, _Shown(next_write))
            else:
                self._shown[node] = _Shown(next_write)

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Write the percentage if the interval has passed and the total is known."""
        if node.stage == DOWNLOAD.name:
            self._transfers.update(str(node), done, total, unit, time.monotonic())
            self._write_transfers()
            return
        shown = self._shown.get(node)
        if shown is None or not total or time.monotonic() < shown.next_write:
            return
        percent = min(100.0, 100.0 * done / total)
        self._write(
            shown, node, percent, f"{node}: {done:,.0f} of {total:,.0f} {unit} {note}".strip()
        )

    def shown(self, node: Node, name: str, document: str) -> None:
        """Ignore documents; `documents.py` writes them."""

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """Ignore log lines."""

    def noticed(self, node: Node, line: str) -> None:
        """Ignore notices; they are in the log of the flow."""

    def finished(self, event: Finished) -> None:
        """Set the progress of a node that was built or pulled to 100 %."""
        if event.node.stage == DOWNLOAD.name:
            self._transfers.finish(str(event.node))
            if not self._transfers.are_running:
                self._write_transfers(is_last=True)
                self._shown.pop(TRANSFERS, None)
            return
        shown = self._shown.pop(event.node, None)
        succeeded = event.status in ("built", "pulled")
        if shown is not None and shown.artifact is not None and succeeded:
            self._write(shown, event.node, 100.0, str(event.node))

    def _write_transfers(self, *, is_last: bool = False) -> None:
        """Write one percentage for all downloads, if the interval has passed."""
        # While another thread writes, only the last amounts are worth a wait.
        if not self._writing.acquire(blocking=is_last):
            return
        try:
            self._write_amounts(is_last)
        finally:
            self._writing.release()

    def _write_amounts(self, is_last: bool) -> None:
        shown = self._shown.get(TRANSFERS)
        done, total = self._transfers.amounts()
        if shown is None or not total:
            return
        if time.monotonic() < shown.next_write and not (is_last and shown.artifact is not None):
            return
        facts = ", ".join(filter(None, self._transfers.facts()))
        self._write(shown, TRANSFERS, min(100.0, 100.0 * done / total), f"download: {facts}")

    def _write(self, shown: _Shown, node: Node, percent: float, description: str) -> None:
        def write() -> None:
            if shown.artifact is None:
                created = create_progress_artifact(
                    percent, key=artifact_key(node), description=description
                )
                # The type allows an awaitable, but in a synchronous task it never is one.
                shown.artifact = cast(UUID, created)
            else:
                update_progress_artifact(shown.artifact, percent, description)

        self._reach.attempt(f"progress of {node}", write)
        shown.next_write = time.monotonic() + INTERVAL_SECONDS


def artifact_key(node: Node, name: str = "progress") -> str:
    """A Prefect artifact key: lower-case letters, digits and dashes only."""
    text = f"{name}-{node.stage}-{node.unit}".lower()
    return "".join(letter if letter.isalnum() else "-" for letter in text)
