"""Builds that run or were stopped, as their staging folders show them from any machine.

    note_build(staging, ingredients, "node7")       # by the builder, before the stage runs
    for build in builds_underway(store): print(build.unit, build.is_running)

A build runs if a process holds its lock, or the lock of its workers, or if a job of a cluster may
write into its folder. Locks are seen by all machines of a file system that supports `flock`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xlm.store.artifact import Staging
from xlm.store.cleaning.removal import build_directories
from xlm.store.disk.filesystem import read_small, write_atomically
from xlm.store.disk.locks import is_locked
from xlm.store.store import ArtifactStore

NOTE_NAME = "build.json"


@dataclass(frozen=True)
class Build:
    """The staging folder of a build, and who works on it."""

    stage: str
    unit: str | None
    """None if the build did not note it."""
    key: str
    staging: Staging
    began: datetime | None
    """When the newest attempt started."""
    host: str
    """The machine of the process that started it, which need not be that of its job."""
    ingredients: dict[str, Any]
    """Those of its key; empty if the build did not note them."""
    is_running: bool
    """Whether a process holds its lock, or a job of a cluster its folder."""
    is_locked: bool
    """Whether a run builds it, or waits for its job."""

    @property
    def is_held(self) -> bool:
        """Whether a job of a cluster may write into its folder."""
        return os.path.lexists(self.staging.hold)


def note_build(staging: Staging, ingredients: Mapping[str, Any], host: str) -> None:
    """Write what a build is into its staging folder: the ingredients of its key, its machine."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    note = {"ingredients": ingredients, "began": began, "host": host}
    write_atomically(staging.base / NOTE_NAME, json.dumps(note).encode())


def builds_underway(store: ArtifactStore) -> Iterator[Build]:
    """Yield the builds of a store that have not ended with an artifact, by stage and key."""
    for stage, key, base in build_directories(store.root, "staging"):
        note = _read_note(base)
        locked = is_locked(store.root / "locks" / f"{stage}.{key}.lock")
        yield Build(
            stage=stage,
            unit=note["ingredients"]["unit"] if note else None,
            key=key,
            staging=Staging(base),
            began=_time(note.get("began")),
            host=str(note.get("host", "")),
            ingredients=note.get("ingredients", {}),
            is_running=os.path.lexists(Staging(base).hold)
            or locked
            or is_locked(store.writers_lock(stage, key), shared=True),
            is_locked=locked,
        )


def _read_note(base: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
        note = json.loads(read_small(base / NOTE_NAME))
        if isinstance(note["ingredients"]["unit"], str):
            return dict(note)
    return {}


def _time(text: object) -> datetime | None:
    with suppress(ValueError):
        time = datetime.fromisoformat(str(text))
        return time if time.tzinfo else None
    return None
