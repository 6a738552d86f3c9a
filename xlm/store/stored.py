"""The artifacts that a store holds, with their manifests, and how they depend on each other.

stored = find_artifact(store, "bf7e6a41")     # the start of a key is enough
for one in upstream_of(store, stored): ...
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import is_real_directory
from xlm.store.integrity.presence import entries
from xlm.store.integrity.pruned import is_pruned
from xlm.store.manifest import Manifest, read_manifest
from xlm.store.store import ArtifactStore

_DIRECTORY = re.compile(r"([0-9a-f]{24})(\.[0-9a-f]+)?", re.ASCII)
_SHOWN = 5


@dataclass(frozen=True)
class Stored:
    """A directory of an artifact."""

    stage: str
    key: str
    directory: Path
    served: bool
    """False for the older bytes of a key that was rebuilt with other bytes."""
    manifest: Manifest | None
    """None if it cannot be read."""

    @property
    def name(self) -> str:
        """`tokenize[sw]`, or `tokenize 4ae1c09b...` without a manifest."""
        return f"{self.stage}[{self.manifest.unit}]" if self.manifest else self.short

    @property
    def short(self) -> str:
        """Stage and start of the key."""
        return f"{self.stage} {self.key[:12]}"

    @property
    def is_pruned(self) -> bool:
        """Whether only its manifest and measurements are left."""
        return is_pruned(self.directory)

    @property
    def size_bytes(self) -> int:
        """Size of the listed files; of all files if there is no manifest, or if it is pruned."""
        if self.manifest is None or self.is_pruned:
            return tree_bytes(self.directory)
        return self.manifest.size_bytes


def stored_artifacts(store: ArtifactStore) -> Iterator[Stored]:
    """Yield every artifact directory, sorted by stage and key, also those that are not served.

    Raises:
        StoreError: this user may not read a folder of the store.
    """
    for stage in entries(store.root / "artifacts"):
        for directory in entries(stage) if is_real_directory(stage) else ():
            name = _DIRECTORY.fullmatch(directory.name)
            if name is None or not is_real_directory(directory):
                continue
            served = store.directory(stage.name, name[1]) == directory
            yield Stored(stage.name, name[1], directory, served, _manifest(directory))


def looks_like_key(text: str) -> bool:
    """Whether `find_artifact` may find an artifact by this text."""
    return re.fullmatch(r"([a-z-]+/)?[0-9a-f]+(\.[0-9a-f]+)?", text, re.ASCII) is not None


def find_artifact(store: ArtifactStore, text: str) -> Stored:
    """Find the artifact with this key, start of a key, or `STAGE/KEY`.

    Raises:
        StoreError: no artifact or several artifacts have it.
    """
    stage, _, start = text.rpartition("/")
    found = [
        one
        for one in stored_artifacts(store)
        if (not stage or one.stage == stage)
        and start
        and (one.directory.name == start or (one.served and one.key.startswith(start)))
    ]
    if not found:
        raise StoreError(
            f"no artifact with the key {text[:80]!r} in {store.root}",
            fix="list the artifacts with `xlm store ls`",
        )
    exact = [one for one in found if one.directory.name == start]
    if len(exact or found) > 1:
        shown = [f"{one.stage}/{one.key} ({one.name})" for one in (exact or found)[:_SHOWN]]
        more = len(exact or found) - len(shown)
        raise StoreError(
            f"{len(exact or found)} artifacts have keys that begin with {text[:80]!r}: "
            + ", ".join([*shown, *([f"and {more} more"] if more else [])]),
            fix="write more digits",
        )
    return (exact or found)[0]


def upstream_of(store: ArtifactStore, stored: Stored) -> list[Stored]:
    """All artifacts in the store that an artifact was built from, directly or not."""
    catalogue = Catalogue(stored_artifacts(store))
    return [one for one in catalogue.closure([stored]) if one.directory != stored.directory]


class Catalogue:
    """Artifacts by stage and key."""

    def __init__(self, stored: Iterable[Stored]) -> None:
        self.artifacts = list(stored)
        self._by_key: dict[tuple[str, str], list[Stored]] = {}
        for one in self.artifacts:
            self._by_key.setdefault((one.stage, one.key), []).append(one)

    def of(self, stage: str, key: str, digest: str | None = None) -> list[Stored]:
        """The served artifact of a key, and one with this digest if that is another."""
        return [
            one
            for one in self._by_key.get((stage, key), [])
            if one.served or (one.manifest is not None and one.manifest.digest == digest)
        ]

    def inputs(self, stored: Stored) -> list[Stored]:
        """The artifacts that an artifact was built from directly."""
        records = stored.manifest.upstream.values() if stored.manifest else ()
        return [
            one for record in records for one in self.of(record.stage, record.key, record.digest)
        ]

    def dependents(self, stored: Stored) -> list[Stored]:
        """The artifacts that were built from an artifact directly."""
        return [
            one
            for one in self.artifacts
            if one.manifest is not None
            and any(
                (record.stage, record.key) == (stored.stage, stored.key)
                for record in one.manifest.upstream.values()
            )
        ]

    def closure(self, roots: Iterable[Stored]) -> list[Stored]:
        """These artifacts with all that they were built from; inputs come after their users."""
        found: dict[Path, Stored] = {}
        waiting = list(roots)
        while waiting:
            one = waiting.pop()
            if one.directory not in found:
                found[one.directory] = one
                waiting += self.inputs(one)
        return list(found.values())


def tree_bytes(directory: Path) -> int:
    """Size of all regular files below a directory; 0 if it is missing.

    Another process may write there: what it removes or renames meanwhile may not be counted.
    """
    total = 0
    waiting = [os.fspath(directory)] if is_real_directory(directory) else []
    while waiting:
        with suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def _manifest(directory: Path) -> Manifest | None:
    try:
        return read_manifest(directory)
    except (StoreError, OSError):
        return None
