"""Compares inputs with their manifests before something is built from them.

A hit is served after a check of sizes, which is cheap and enough for what is only kept. What is
built from damaged bytes would carry the key of the right ones, so each artifact that is read is
hashed first, once a run. What this run wrote itself counts as hashed. A later change of a file's
size, times or inode has it hashed again; only bytes that change without these, while a stage reads
them, stay unseen.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from xlm.store.manifest import damage, status_of
from xlm.store.store import Artifact


@dataclass(frozen=True)
class CheckCost:
    """What hashing took: wall seconds in the asking thread, and bytes read."""

    seconds: float = 0.0
    size_bytes: int = 0

    def __add__(self, other: "CheckCost") -> "CheckCost":
        return CheckCost(self.seconds + other.seconds, self.size_bytes + other.size_bytes)

    def measured(self) -> dict[str, float | int]:
        """The cost under the names that `run.json` has for it."""
        return {
            "input_check_seconds": round(self.seconds, 3),
            "input_check_bytes": self.size_bytes,
        }


class InputChecks:
    """The artifacts that this run knows to be whole; called from many threads."""

    def __init__(self) -> None:
        self._known: dict[str, object] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        self.total = CheckCost()

    def wrote(self, artifact: Artifact) -> None:
        """Remember what this run published itself."""
        self._known[str(artifact.directory)] = status_of(artifact.directory, artifact.manifest)

    def damage(self, artifact: Artifact) -> tuple[str | None, CheckCost]:
        """What is wrong with an artifact's bytes, or None, and what it cost to know."""
        name = str(artifact.directory)
        with self._lock:
            lock = self._locks[name]
        began = time.monotonic()
        with lock:
            status = status_of(artifact.directory, artifact.manifest)
            if status is not None and self._known.get(name) == status:
                return None, CheckCost()
            reason = damage(artifact.directory, artifact.manifest, deep=True)
            if reason is None:
                self._known[name] = status
        cost = CheckCost(time.monotonic() - began, artifact.manifest.size_bytes)
        with self._lock:
            self.total += cost
        return reason, cost
