"""Prunes artifacts: removes their files and keeps their manifest, measurements and logs.

    pruned = prune_artifacts(store, choose)         # safe while runs go on

A kill leaves each artifact whole or pruned. The files that a killed command left behind are removed
by the next one.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from xlm.store.cleaning.removal import delete_removed, is_in_use, set_contents_aside
from xlm.store.disk.filesystem import is_real_file
from xlm.store.integrity.pruned import KEPT_NAMES, mark_pruned
from xlm.store.leases import live_keys, removing
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored, stored_artifacts, tree_bytes

log = logging.getLogger(__name__)


class Freed(NamedTuple):
    """An artifact and the bytes that pruning it frees."""

    stored: Stored
    size_bytes: int


@dataclass(frozen=True)
class Pruned:
    """What was pruned, or would be."""

    artifacts: list[Freed] = field(default_factory=list)
    in_use: list[Stored] = field(default_factory=list)
    """What stays because a running process uses it."""
    unfinished: list[Freed] = field(default_factory=list)
    """Pruned artifacts that a killed command left with files."""

    @property
    def size_bytes(self) -> int:
        """Bytes that this frees."""
        return sum(one.size_bytes for one in (*self.artifacts, *self.unfinished))


def find_prunable(store: ArtifactStore, chosen: Sequence[Stored]) -> Pruned:
    """Divide the chosen artifacts into those that can be pruned now and those in use."""
    live = live_keys(store.root)
    used = [one for one in chosen if is_in_use(store, one.stage, one.key, live)]
    return Pruned(
        artifacts=[Freed(one, _freed_bytes(one)) for one in chosen if one not in used],
        in_use=used,
        unfinished=[
            Freed(one, size_bytes)
            for one in stored_artifacts(store)
            if one.is_pruned
            and not is_in_use(store, one.stage, one.key, live)
            and (size_bytes := _freed_bytes(one))
        ],
    )


def prune_artifacts(
    store: ArtifactStore,
    choose: Callable[[], Sequence[Stored]],
    report: Callable[[str], None] = log.info,
) -> Pruned:
    """Prune the chosen artifacts, except those that a running process uses.

    Runs may go on: they wait for a moment before they use another key. They keep what they use.

    Args:
        store: the store.
        choose: names the artifacts, from records that runs change until the removal begins.
        report: receives a line about a wait for another process.

    Raises:
        StoreError: the store cannot be written.
    """
    with removing(store.root, report):
        pruned = find_prunable(store, choose())
        for one, _ in pruned.unfinished:
            set_contents_aside(store.root, one.directory, KEPT_NAMES)
        for one, size_bytes in pruned.artifacts:
            mark_pruned(one.directory, size_bytes)
            set_contents_aside(store.root, one.directory, KEPT_NAMES)
    delete_removed(store.root)
    return pruned


def _freed_bytes(stored: Stored) -> int:
    """Bytes of the files that pruning removes."""
    removed = (path for path in stored.directory.iterdir() if path.name not in KEPT_NAMES)
    return sum(map(_size_bytes, removed))


def _size_bytes(path: Path) -> int:
    return path.lstat().st_size if is_real_file(path) else tree_bytes(path)
