"""The artifact store: immutable directories, published whole or not at all.

<root>/artifacts/<stage>/<key>/        files, logs/, run.json, and manifest.json written last
<root>/artifacts/<stage>/<key>.current names the directory that is served, after a refresh
<root>/artifacts/<stage>/<key>.damaged exists once its bytes were found wrong under their old sizes
<root>/untracked/<stage>/<key>/        files that a run found in an artifact and no manifest names
<root>/staging/<stage>/<key>/          what a running or killed build has so far
<root>/locks/  <root>/references/      one builder per key; the last key of each unit

store = ArtifactStore.open("./data")
if (artifact := store.find("tokenize", key)) is None: ...
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from xlm.errors import StoreError
from xlm.store.disk.filesystem import (
    is_real_directory,
    make_real_directory,
    read_small,
    remove_empty_directories,
    remove_odd_files,
    remove_tree,
    sync_directory,
    sync_tree,
    write_atomically,
)
from xlm.store.disk.locks import build_lock
from xlm.store.disk.root import resolve_root
from xlm.store.integrity.mending import mark_if_poisonous, move_untracked, suspicion
from xlm.store.integrity.presence import entries
from xlm.store.integrity.verdicts import read_verdicts, record_verdict
from xlm.store.keys import canonical_json
from xlm.store.manifest import (
    LOGS_NAME,
    MANIFEST_NAME,
    RUN_NAME,
    Manifest,
    content_digest,
    damage,
    describe_files,
    read_manifest,
    untracked_files,
)

log = logging.getLogger(__name__)

Verify = Literal["fast", "deep"]

_SIDE_FILES = ("current", "checks", "damaged")
"""Suffixes of files next to an artifact's directory."""


@dataclass(frozen=True)
class Artifact:
    """A published artifact whose manifest was read."""

    directory: Path
    manifest: Manifest


@dataclass(frozen=True)
class Staging:
    """The directories of a build; `out` becomes the artifact, `scratch` is thrown away."""

    base: Path

    @property
    def out(self) -> Path:
        """Where the stage writes what will be published."""
        return self.base / "out"

    @property
    def scratch(self) -> Path:
        """Where the stage keeps checkpoints, records and other things of passing use."""
        return self.base / "scratch"

    @property
    def logs(self) -> Path:
        """Published beside the files, outside the digest."""
        return self.out / LOGS_NAME


@dataclass(frozen=True)
class ArtifactStore:
    """All reading and writing of artifacts goes through here."""

    root: Path

    @classmethod
    def open(cls, url: str, *, write: bool = True) -> "ArtifactStore":
        """The store at an fsspec URL; nothing is created until something is built."""
        return cls(resolve_root(url, write=write))

    def lock(
        self,
        stage: str,
        key: str,
        on_wait: Callable[[], None] = lambda: None,
        report: Callable[[str], None] = log.info,
    ) -> AbstractContextManager[bool]:
        """Hold a key while it is looked up and built; yields True after waiting for another.

        `report` gets lines about who is waited for.
        """
        return build_lock(self.root / "locks", f"{stage}.{key}", on_wait, report)

    def writers_lock(self, stage: str, key: str) -> Path:
        """The file on which workers that write for a key hold a shared lock."""
        return self.root / "locks" / f"{stage}.{key}.writers"

    def directory(self, stage: str, key: str) -> Path:
        """Where the served artifact of a key is, or would be."""
        home = self.root / "artifacts" / stage
        try:
            name = read_small(home / f"{key}.current").decode().strip()
        except (OSError, ValueError):
            return home / key
        # A pointer that was edited, or whose directory was removed, points to nothing of ours.
        points_well = re.fullmatch(rf"{re.escape(key)}\.[0-9a-f]+", name)
        return home / (name if points_well and is_real_directory(home / name) else key)

    def find(self, stage: str, key: str, verify: Verify = "fast") -> Artifact | None:
        """The artifact of a key if it is there and whole; a damaged one is logged and None.

        Files in it that the manifest does not name are moved to `<root>/untracked_files`.
        """
        directory = self.directory(stage, key)
        if not os.path.lexists(directory):
            return None
        if (reason := self.damage(stage, key, verify)) is not None:
            log.warning("%s %s is damaged (%s); it will be rebuilt", stage, key, reason)
            return None
        artifact = Artifact(directory, read_manifest(directory))
        move_untracked(self.root, directory, artifact.manifest)
        return artifact

    def digest(self, stage: str, key: str) -> str | None:
        """The digest that the served artifact's manifest states, or None."""
        try:
            return read_manifest(self.directory(stage, key)).digest
        except StoreError:
            return None

    def untracked_files(self, stage: str, key: str) -> list[str]:
        """What is in an artifact's directory without being in its manifest, as relative paths."""
        directory = self.directory(stage, key)
        try:
            found = untracked_files(directory, read_manifest(directory))
        except (StoreError, OSError):
            return []
        return [path.relative_to(directory).as_posix() for path in found]

    def damage(self, stage: str, key: str, verify: Verify = "fast") -> str | None:
        """What is wrong with the artifact of a key, or None."""
        return self._damage(self.directory(stage, key), stage, key, verify)

    def _damage(self, directory: Path, stage: str, key: str, verify: Verify) -> str | None:
        if any(map(os.path.islink, (directory.parent, directory.parent.parent))):
            return "it is reached through a link, which a run does not follow"
        if not is_real_directory(directory):
            return "it is not a directory" if os.path.lexists(directory) else "it is missing"
        try:
            manifest = read_manifest(directory)
        except StoreError as error:
            return error.what
        if (manifest.stage, manifest.key) != (stage, key):
            return f"its manifest is that of {manifest.stage} {manifest.key}"
        return damage(directory, manifest, deep=verify == "deep") or suspicion(self.root, manifest)

    def stage(self, stage: str, key: str, *, fresh: bool = False) -> Staging:
        """The staging directories of a key, as a killed build left them unless `fresh`.

        Links and odd files in them are removed: a stage must not write through them.
        """
        staging = Staging(self.root / "staging" / stage / key)
        try:
            if fresh:
                remove_tree(staging.base)
            make_real_directory(self.root, "staging", stage, key)
            for names in (("out",), ("scratch",), ("out", LOGS_NAME)):
                make_real_directory(staging.base, *names)
            remove_odd_files(staging.base)
        except OSError as error:
            raise StoreError(
                f"cannot write below {self.root} ({error.strerror})",
                fix="choose another root with --root or XLM_ROOT",
            ) from error
        return staging

    def publish(
        self,
        staging: Staging,
        description: Mapping[str, Any],
        measured: Mapping[str, Any],
        volatile: Sequence[str] = (),
    ) -> Artifact:
        """Make a finished build an artifact: run.json, manifest, flush, rename.

        `description` holds the manifest's fields but for files and digest. The caller holds the
        key's lock; were the lock lost, the first to rename still wins.
        """
        remove_empty_directories(staging.out)
        write_atomically(staging.out / RUN_NAME, (canonical_json(measured) + "\n").encode())
        files, measured_files = describe_files(staging.out, volatile)
        manifest = Manifest(
            **description, files=files, volatile=measured_files, digest=content_digest(files)
        )
        write_atomically(
            staging.out / MANIFEST_NAME, (manifest.model_dump_json(indent=1) + "\n").encode()
        )
        sync_tree(staging.out)
        final = self._commit(staging.out, manifest)
        remove_tree(staging.base)
        return Artifact(final, read_manifest(final))

    def _commit(self, out: Path, manifest: Manifest) -> Path:
        home = self._home(manifest.stage)
        served = self.directory(manifest.stage, manifest.key)
        if not os.path.lexists(served):
            return self._rename(out, served)
        if self.damage(manifest.stage, manifest.key, "deep") is not None:
            mark_if_poisonous(self.root, served, manifest.stage, manifest.key)
            return self._exchange(out, served, manifest)
        old = read_manifest(served)
        checks = self._checks_path(manifest.stage, manifest.key)
        if old.digest == manifest.digest:
            record_verdict(checks, manifest.digest, "identical")
            kept = (old.counts, old.sources, old.upstream)
            if kept == (manifest.counts, manifest.sources, manifest.upstream):
                return served
            # The same bytes, of which something else is told: of a host's file that has grown
            # behind the head that was taken, say. The old would be called stale for ever.
            return self._exchange(out, served, manifest)
        log.warning(
            "%s %s is not deterministic: rebuilt with digest %s, was %s",
            manifest.stage,
            manifest.key,
            manifest.digest[:12],
            old.digest[:12],
        )
        record_verdict(checks, manifest.digest, "different")
        beside = home / f"{manifest.key}.{manifest.digest[:12]}"
        if not os.path.lexists(beside):
            self._rename(out, beside)
        elif self._damage(beside, manifest.stage, manifest.key, "deep") is not None:
            self._exchange(out, beside, manifest)
        write_atomically(home / f"{manifest.key}.current", f"{beside.name}\n".encode())
        return beside

    def _home(self, stage: str) -> Path:
        """The directory of a stage's artifacts, made if it is missing."""
        home = self.root / "artifacts"
        for directory in (home, home / stage):
            if os.path.lexists(directory) and not is_real_directory(directory):
                raise StoreError(
                    f"{directory} is not a directory of the store but a link or a file",
                    fix="put the directory itself there, or choose another root with --root",
                )
            directory.mkdir(parents=True, exist_ok=True)
        return home / stage

    def _exchange(self, out: Path, place: Path, manifest: Manifest) -> Path:
        """Put `out` where something else is, which is removed."""
        aside = make_real_directory(self.root, "damaged", manifest.stage) / manifest.key
        remove_tree(aside)
        place.rename(aside)
        final = self._rename(out, place)
        remove_tree(aside)
        return final

    def checks(self, stage: str, key: str) -> list[dict[str, str]]:
        """What rebuilds of this key gave: digest, verdict (identical, different), time."""
        return read_verdicts(self._checks_path(stage, key))

    def _checks_path(self, stage: str, key: str) -> Path:
        return self.root / "artifacts" / stage / f"{key}.checks"

    def _rename(self, out: Path, final: Path) -> Path:
        out.rename(final)
        sync_directory(final.parent)
        return final

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """Every served artifact's (stage, key, directory), sorted.

        Raises:
            StoreError: this user may not read a folder.
        """
        for stage in entries(self.root / "artifacts"):
            # A link to a folder of another kind would make all that is in it damaged artifacts.
            for directory in entries(stage) if is_real_directory(stage) else ():
                key, _, suffix = directory.name.partition(".")
                if suffix in _SIDE_FILES or directory.name.startswith("."):
                    continue
                if self.directory(stage.name, key) == directory:
                    yield stage.name, key, directory

    def cache_directory(self, name: str) -> Path:
        """A directory for what tools would otherwise put into the home; may be deleted any time."""
        return self.root / "cache" / name
