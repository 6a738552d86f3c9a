"""The artifact store: immutable directories, each published completely or not at all.

<root>/artifacts/<stage>/<key>/         files, logs/, run.json, and manifest.json written last;
                                        of a pruned one without the files, with pruned.json
<root>/artifacts/<stage>/<key>.current  name of the served directory, if a refresh gave other bytes
<root>/artifacts/<stage>/<key>.checks   verdicts of refreshes, one JSON line each
<root>/artifacts/<stage>/<key>.damaged  marks a key that once had files with wrong bytes
<root>/untracked/<stage>/<key>/         files found in an artifact that its manifest does not list
<root>/staging/<stage>/<key>/           the output so far of a running or killed build
<root>/locks/                           one builder for each key
<root>/leases/                          the keys that running processes use
<root>/references/                      the last key of each unit

store = ArtifactStore.open("./data")
if (artifact := store.find("tokenize", key)) is None: ...
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from xlm.errors import StoreError
from xlm.store.artifact import Artifact, Staging
from xlm.store.disk.filesystem import (
    is_real_directory,
    make_real_directory,
    read_small,
    remove_special_files,
    remove_tree,
)
from xlm.store.disk.hashing import keep_digests
from xlm.store.disk.locks import build_lock, is_locked
from xlm.store.disk.root import is_writable, resolve_root
from xlm.store.integrity.corruption import suspect_input
from xlm.store.integrity.damage import find_damage
from xlm.store.integrity.presence import entries
from xlm.store.integrity.pruned import is_pruned
from xlm.store.integrity.untracked import move_untracked, untracked_files
from xlm.store.leases import Lease, leased
from xlm.store.manifest import (
    LOGS_NAME,
    content_digest,
    read_manifest,
)

log = logging.getLogger(__name__)

Verify = Literal["fast", "deep"]

_SIDE_FILES = ("current", "checks", "damaged")
"""Suffixes of the files next to an artifact's directory."""


@dataclass(frozen=True)
class ArtifactStore:
    """Finds, checks and locks artifacts; `publish_artifact` adds new ones."""

    root: Path
    lease: Lease | None = None
    """The keys that this process looked up; nothing removes their artifacts while it runs."""

    @classmethod
    def open(cls, url: str, *, write: bool = True) -> "ArtifactStore":
        """Open the store at an fsspec URL; nothing is created until something is built."""
        return cls(resolve_root(url, write=write))

    @contextmanager
    def leased(self) -> Iterator["ArtifactStore"]:
        """Yield this store with a lease on every key that is looked up or locked in it."""
        with leased(self.root, f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}") as lease:
            yield replace(self, lease=lease)

    def hold(self, stage: str, key: str) -> None:
        """Keep the artifact of a key while this process runs, if the store is leased."""
        if self.lease is not None:
            self.lease.hold(stage, key)

    def lock(
        self,
        stage: str,
        key: str,
        on_wait: Callable[[], None] = lambda: None,
        report: Callable[[str], None] = log.info,
    ) -> AbstractContextManager[bool]:
        """Lock a key for lookup and building; yields True if another builder held it first.

        See `build_lock` for `on_wait` and `report`.
        """
        self.hold(stage, key)
        return build_lock(self.root / "locks", f"{stage}.{key}", on_wait, report)

    def writers_lock(self, stage: str, key: str) -> Path:
        """Return the file on which the workers of a build hold a shared lock."""
        return self.root / "locks" / f"{stage}.{key}.writers"

    def directory(self, stage: str, key: str) -> Path:
        """Return the directory that serves a key, whether or not it exists."""
        home = self.root / "artifacts" / stage
        try:
            name = read_small(home / f"{key}.current").decode().strip()
        except (OSError, ValueError):
            return home / key
        # Ignore a pointer that was edited, or that names a directory that was removed.
        is_valid = re.fullmatch(rf"{re.escape(key)}\.[0-9a-f]+", name)
        return home / (name if is_valid and is_real_directory(home / name) else key)

    def find(self, stage: str, key: str, verify: Verify = "fast") -> Artifact | None:
        """Return the artifact of a key, or None if it is missing, damaged or pruned.

        Damage is logged. Files that the manifest does not list are moved to `<root>/untracked`.
        """
        self.hold(stage, key)
        directory = self.directory(stage, key)
        if not os.path.lexists(directory) or is_pruned(directory):
            return None
        if (reason := self.damage(stage, key, verify)) is not None:
            log.warning("%s %s is damaged (%s); it will be rebuilt", stage, key, reason)
            return None
        artifact = Artifact(directory, read_manifest(directory))
        move_untracked(self.root, directory, artifact.manifest)
        return artifact

    def find_pruned(self, stage: str, key: str) -> Artifact | None:
        """Return the pruned artifact of a key, of which the files are gone, or None."""
        self.hold(stage, key)
        directory = self.directory(stage, key)
        if not is_pruned(directory):
            return None
        try:
            manifest = read_manifest(directory)
        except StoreError as error:
            log.warning("%s %s was pruned and is damaged (%s)", stage, key, error.what)
            return None
        is_intact = content_digest(manifest.files) == manifest.digest
        if (manifest.stage, manifest.key) != (stage, key) or not is_intact:
            log.warning("%s %s was pruned, and its manifest is damaged", stage, key)
            return None
        return Artifact(directory, manifest)

    def digest(self, stage: str, key: str) -> str | None:
        """Return the digest in the manifest of a key, or None without a readable manifest."""
        try:
            return read_manifest(self.directory(stage, key)).digest
        except StoreError:
            return None

    def untracked_files(self, stage: str, key: str) -> list[str]:
        """List the files of an artifact that its manifest does not list, as relative paths."""
        directory = self.directory(stage, key)
        try:
            found = untracked_files(directory, read_manifest(directory))
        except (StoreError, OSError):
            return []
        return [path.relative_to(directory).as_posix() for path in found]

    def damage(self, stage: str, key: str, verify: Verify = "fast") -> str | None:
        """Return what is wrong with the artifact of a key, or None."""
        return self.directory_damage(self.directory(stage, key), stage, key, verify)

    def directory_damage(self, directory: Path, stage: str, key: str, verify: Verify) -> str | None:
        """Return what is wrong with a directory as the artifact of a key, or None."""
        if any(map(os.path.islink, (directory.parent, directory.parent.parent))):
            return "its path contains a symbolic link, which a run does not follow"
        if not is_real_directory(directory):
            return "it is not a directory" if os.path.lexists(directory) else "it is missing"
        try:
            manifest = read_manifest(directory)
        except StoreError as error:
            return error.what
        if (manifest.stage, manifest.key) != (stage, key):
            return f"its manifest belongs to {manifest.stage} {manifest.key}"
        if is_pruned(directory):
            return "it was pruned"
        reason = find_damage(directory, manifest, deep=verify == "deep")
        return reason or suspect_input(self.root, manifest)

    def remove_leftover(self, stage: str, key: str) -> None:
        """Remove what is left in staging if a builder was killed just after it published."""
        staging = Staging(self.root / "staging" / stage / key)
        # The artifact was `out`. A builder that is still there removes the rest itself.
        lock = self.root / "locks" / f"{stage}.{key}.lock"
        if not os.path.lexists(staging.base) or is_locked(lock):
            return
        with self.lock(stage, key):
            if not any(map(os.path.lexists, (staging.out, staging.hold))):
                remove_tree(staging.base)

    def open_staging(self, stage: str, key: str, *, fresh: bool = False) -> Staging:
        """Create the staging directories of a key; the output of a killed build is kept.

        Links and special files are removed, because a stage must not write through them.

        Args:
            stage: name of the stage.
            key: key of the artifact.
            fresh: discard the output of a killed build.

        Raises:
            StoreError: the directories cannot be written.
        """
        staging = Staging(self.root / "staging" / stage / key)
        try:
            if fresh:
                remove_tree(staging.base)
            make_real_directory(self.root, "staging", stage, key)
            for names in (("out",), ("scratch",), ("out", LOGS_NAME)):
                make_real_directory(staging.base, *names)
            remove_special_files(staging.base)
        except OSError as error:
            raise StoreError(
                f"cannot write below {self.root} ({error.strerror})",
                fix="choose another root with --root or XLM_ROOT",
            ) from error
        return staging

    def checks_path(self, stage: str, key: str) -> Path:
        """Return the file with the verdicts of rebuilds of a key; see `read_verdicts`."""
        return self.root / "artifacts" / stage / f"{key}.checks"

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """Yield (stage, key, directory) of every served artifact, sorted.

        Raises:
            StoreError: this user may not read a folder of the store.
        """
        for stage in entries(self.root / "artifacts"):
            # Skip links: everything in a linked folder would be reported as damaged.
            for directory in entries(stage) if is_real_directory(stage) else ():
                key, _, suffix = directory.name.partition(".")
                if suffix in _SIDE_FILES or directory.name.startswith("."):
                    continue
                if self.directory(stage.name, key) == directory:
                    yield stage.name, key, directory

    def cache_directory(self, name: str) -> Path:
        """Return a cache directory for a tool, in place of $HOME; it may be deleted at any time."""
        return self.root / "cache" / name

    def keep_digests(self) -> None:
        """Keep the digests of large local files in the cache, for later plans and runs."""
        keep_digests(self.cache_directory("digests") / "sha256.json")

    @contextmanager
    def tool_cache(self) -> Iterator[Path]:
        """Yield the cache that all tools share, or a temporary one if the store is read-only."""
        if is_writable(self.root):
            yield self.cache_directory("tools")
            return
        with TemporaryDirectory() as temporary:
            yield Path(temporary)
