"""Progress of a building node as a Prefect progress artifact, at most one write in five seconds."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from xlm.pipeline.observer import Finished
from xlm.stage import Node

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0
"""A write costs an API call; nodes that end sooner get no artifact at all."""

RECOVERY_SECONDS = 600.0
"""Prefect tries for a minute to reach a server that is away, and the stage waits meanwhile."""


@dataclass
class _Shown:
    next_write: float
    artifact: UUID | None = None


class ProgressArtifacts:
    """An observer that shows each long-running node as a percentage in the UI."""

    def __init__(self) -> None:
        self._shown: dict[Node, _Shown] = {}
        self._lock = threading.Lock()
        self._away_until = 0.0

    def started(self, node: Node) -> None:
        """Wait an interval before the first write."""
        with self._lock:
            self._shown[node] = _Shown(time.monotonic() + INTERVAL_SECONDS)

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Write the percentage if the interval has passed and the total is known."""
        shown = self._shown.get(node)
        if shown is None or not total or time.monotonic() < shown.next_write:
            return
        percent = min(100.0, 100.0 * done / total)
        self._write(
            shown, node, percent, f"{node}: {done:,.0f} of {total:,.0f} {unit} {note}".strip()
        )

    def finished(self, event: Finished) -> None:
        """Complete the bar of a node that was built."""
        shown = self._shown.pop(event.node, None)
        if shown is not None and shown.artifact is not None and event.status == "built":
            self._write(shown, event.node, 100.0, str(event.node))

    def _write(self, shown: _Shown, node: Node, percent: float, description: str) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            if shown.artifact is None:
                created = create_progress_artifact(
                    percent, key=artifact_key(node), description=description
                )
                # Typed as if it might be awaitable; in a synchronous task it never is.
                shown.artifact = cast(UUID, created)
            else:
                update_progress_artifact(shown.artifact, percent, description)
        except Exception as error:  # whatever it is, a training of days must not end for a bar
            self._away_until = time.monotonic() + RECOVERY_SECONDS
            log.warning("progress of %s is not shown: %s", node, error)
        shown.next_write = time.monotonic() + INTERVAL_SECONDS


def artifact_key(node: Node) -> str:
    """A Prefect artifact key: lower-case letters, digits and dashes only."""
    text = f"progress-{node.stage}-{node.unit}".lower()
    return "".join(letter if letter.isalnum() else "-" for letter in text)
