"""Finds and removes what nothing needs: artifacts, output of killed builds, old leases.

    garbage = find_garbage(store, needed)                   # nothing is changed
    garbage = collect_garbage(store, read_needed)           # safe while runs go on

An artifact is needed if a root names it, or if a needed artifact was built from it. Roots are the
artifacts of references, of recorded runs and of imports, and the keys that running processes hold.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from xlm.store.cleaning.removal import (
    build_directories,
    delete_removed,
    is_in_use,
    set_aside,
    set_key_aside,
)
from xlm.store.leases import HeldKey, is_live, lease_names, live_keys, remove_lease, removing
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, Stored, stored_artifacts, tree_bytes

log = logging.getLogger(__name__)

IMPORTING = "importing"
"""Directory below the store's root for the files of imports that go on."""


class Root(NamedTuple):
    """An artifact that is needed."""

    stage: str
    key: str
    digest: str | None = None
    """Keeps these bytes too, if the key was rebuilt with other bytes."""


@dataclass(frozen=True)
class Needed:
    """What must stay."""

    roots: frozenset[Root]
    leases: frozenset[str] = frozenset()
    """Leases of killed runs: the next run continues the builds that they name."""


@dataclass(frozen=True)
class Leftover:
    """The output of a build, a pull or an import that was killed, and that nothing continues."""

    name: str
    path: Path
    size_bytes: int


@dataclass(frozen=True)
class Garbage:
    """What nothing needs."""

    artifacts: list[Stored] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    kept: int = 0
    """Number of artifacts that stay."""

    @property
    def size_bytes(self) -> int:
        """Bytes that removing it frees."""
        artifacts = sum(one.size_bytes for one in self.artifacts)
        return artifacts + sum(one.size_bytes for one in self.leftovers)


def find_garbage(store: ArtifactStore, needed: Needed) -> Garbage:
    """Find what nothing needs; see the module.

    Raises:
        StoreError: this user may not read a folder of the store.
    """
    live = live_keys(store.root)
    held: set[HeldKey] = set(live)
    for root in needed.roots:
        held.add((root.stage, root.key))
    catalogue = Catalogue(stored_artifacts(store))
    roots = [one for root in needed.roots for one in catalogue.of(*root)]
    # A running process may read what it holds in any of its versions.
    roots += [one for one in catalogue.artifacts if (one.stage, one.key) in live]
    kept = {one.directory for one in catalogue.closure(roots)}
    artifacts = [
        one
        for one in catalogue.artifacts
        if one.directory not in kept and not is_in_use(store, one.stage, one.key, live)
    ]
    leftovers = [
        Leftover(f"{stage} {key[:12]}", path, tree_bytes(path))
        for kind, stays in (("staging", held), ("damaged", live), ("pulling", live))
        for stage, key, path in build_directories(store.root, kind)
        if (stage, key) not in stays and not is_in_use(store, stage, key, live)
    ]
    return Garbage(
        artifacts,
        [*leftovers, *_abandoned_imports(store.root)],
        kept=len(catalogue.artifacts) - len(artifacts),
    )


def collect_garbage(
    store: ArtifactStore,
    read_needed: Callable[[], Needed],
    report: Callable[[str], None] = log.info,
) -> Garbage:
    """Remove what nothing needs, and return what was removed.

    Runs may go on: they wait for a moment before they use another key. They keep what they use.

    Args:
        read_needed: reads the roots, which runs change until the removal begins.
        report: receives a line about a wait for another process.

    Raises:
        StoreError: the store cannot be written.
    """
    with removing(store.root, report):
        needed = read_needed()
        garbage = find_garbage(store, needed)
        for key in _whole_keys(store, garbage.artifacts):
            set_key_aside(store, key)
        for path in [one.path for one in garbage.leftovers]:
            set_aside(store.root, path)
        _remove_old_leases(store.root, needed.leases)
    delete_removed(store.root)
    return garbage


def _whole_keys(store: ArtifactStore, artifacts: Iterable[Stored]) -> list[list[Stored]]:
    """Group artifacts by key; older bytes of a key that stays are set aside at once."""
    by_key: dict[HeldKey, list[Stored]] = {}
    for one in artifacts:
        by_key.setdefault((one.stage, one.key), []).append(one)
    whole = []
    for group in by_key.values():
        if any(one.served for one in group):
            whole.append(group)
            continue
        for one in group:
            set_aside(store.root, one.directory)
    return whole


def _abandoned_imports(root: Path) -> list[Leftover]:
    live = {name for name in lease_names(root) if is_live(root, name)}
    return [
        Leftover("import", path, tree_bytes(path))
        for path in sorted((root / IMPORTING).glob("*"))
        if path.name not in live
    ]


def _remove_old_leases(root: Path, kept: frozenset[str]) -> None:
    for name in lease_names(root):
        if name not in kept and not is_live(root, name):
            remove_lease(root, name)
