"""Verifies inputs against their manifests before a stage reads them.

A hit is served after a cheap check of file sizes. An artifact that is built from damaged bytes
would have the key of intact ones, so each input is hashed once a run before a stage reads it.
Artifacts that the run wrote count as hashed. If the size, times or inode of a file change, it is
hashed again. Only a change that leaves all of these equal stays undetected.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from xlm.store.artifact import Artifact
from xlm.store.integrity.damage import file_statuses, find_damage


@dataclass(frozen=True)
class CheckCost:
    """The cost of hashing: wall seconds in the calling thread, and bytes read."""

    seconds: float = 0.0
    size_bytes: int = 0

    def __add__(self, other: "CheckCost") -> "CheckCost":
        return CheckCost(self.seconds + other.seconds, self.size_bytes + other.size_bytes)

    def measured(self) -> dict[str, float | int]:
        """The cost under its names in `run.json`."""
        return {
            "input_check_seconds": round(self.seconds, 3),
            "input_check_bytes": self.size_bytes,
        }


class InputChecks:
    """The artifacts that this run has verified. Methods are called from many threads."""

    def __init__(self) -> None:
        self._verified: dict[str, object] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        self.total = CheckCost()

    def wrote(self, artifact: Artifact) -> None:
        """Count an artifact that this run published as verified."""
        self._verified[str(artifact.directory)] = file_statuses(
            artifact.directory, artifact.manifest
        )

    def damage(self, artifact: Artifact) -> tuple[str | None, CheckCost]:
        """Return the damage of an artifact's bytes, or None, and the cost of the check."""
        name = str(artifact.directory)
        with self._lock:
            lock = self._locks[name]
        began = time.monotonic()
        with lock:
            status = file_statuses(artifact.directory, artifact.manifest)
            if status is not None and self._verified.get(name) == status:
                return None, CheckCost()
            reason = find_damage(artifact.directory, artifact.manifest, deep=True)
            if reason is None:
                self._verified[name] = status
        cost = CheckCost(time.monotonic() - began, artifact.manifest.size_bytes)
        with self._lock:
            self.total += cost
        return reason, cost
