"""The artifact store: immutable directories, published whole or not at all.

<root>/artifacts/<stage>/<key>/        files, logs/, run.json, and manifest.json written last
<root>/artifacts/<stage>/<key>.current names the directory that is served, after a refresh
<root>/staging/<stage>/<key>/          what a running or killed build has so far
<root>/locks/  <root>/references/      one builder per key; the last key of each unit

store = ArtifactStore.open("./data")
if (artifact := store.find("tokenize", key)) is None: ...
"""

import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from xlm.errors import StoreError
from xlm.store.files import remove_tree, sync_directory, sync_tree, write_atomically
from xlm.store.keys import canonical_json
from xlm.store.locks import build_lock
from xlm.store.manifest import (
    LOGS_NAME,
    MANIFEST_NAME,
    RUN_NAME,
    Manifest,
    content_digest,
    damage,
    describe_files,
    read_manifest,
)
from xlm.store.root import resolve_root

log = logging.getLogger(__name__)

Verify = Literal["fast", "deep"]


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
        self, stage: str, key: str, on_wait: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[bool]:
        """Hold a key while it is looked up and built; yields True after waiting for another."""
        return build_lock(self.root / "locks", f"{stage}.{key}", on_wait)

    def directory(self, stage: str, key: str) -> Path:
        """Where the served artifact of a key is, or would be."""
        home = self.root / "artifacts" / stage
        try:
            name = (home / f"{key}.current").read_text().strip()
        except (OSError, ValueError):
            return home / key
        # A pointer that was edited, or whose directory was removed, points to nothing of ours.
        points_well = re.fullmatch(rf"{key}\.[0-9a-f]+", name) and (home / name).exists()
        return home / (name if points_well else key)

    def find(self, stage: str, key: str, verify: Verify = "fast") -> Artifact | None:
        """The artifact of a key if it is there and whole; a damaged one is logged and None."""
        directory = self.directory(stage, key)
        if not directory.exists():
            return None
        if (reason := self.damage(stage, key, verify)) is not None:
            log.warning("%s %s is damaged (%s); it will be rebuilt", stage, key, reason)
            return None
        return Artifact(directory, read_manifest(directory))

    def damage(self, stage: str, key: str, verify: Verify = "fast") -> str | None:
        """What is wrong with the artifact of a key, or None."""
        return self._damage(self.directory(stage, key), stage, key, verify)

    def _damage(self, directory: Path, stage: str, key: str, verify: Verify) -> str | None:
        try:
            manifest = read_manifest(directory)
        except StoreError as error:
            return error.what
        if (manifest.stage, manifest.key) != (stage, key):
            return f"its manifest is that of {manifest.stage} {manifest.key}"
        return damage(directory, manifest, deep=verify == "deep")

    def stage(self, stage: str, key: str, *, fresh: bool = False) -> Staging:
        """The staging directories of a key, as a killed build left them unless `fresh`."""
        staging = Staging(self.root / "staging" / stage / key)
        if fresh:
            remove_tree(staging.base)
        try:
            for directory in (staging.out, staging.scratch, staging.logs):
                directory.mkdir(parents=True, exist_ok=True)
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
        home = self.root / "artifacts" / manifest.stage
        home.mkdir(parents=True, exist_ok=True)
        served = self.directory(manifest.stage, manifest.key)
        if not served.exists():
            return self._rename(out, served)
        if self.damage(manifest.stage, manifest.key, "deep") is not None:
            return self._exchange(out, served, manifest)
        old = read_manifest(served)
        if old.digest == manifest.digest:
            self._record_check(manifest, "identical")
            if (old.counts, old.sources) == (manifest.counts, manifest.sources):
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
        self._record_check(manifest, "different")
        beside = home / f"{manifest.key}.{manifest.digest[:12]}"
        if not beside.exists():
            self._rename(out, beside)
        elif self._damage(beside, manifest.stage, manifest.key, "deep") is not None:
            self._exchange(out, beside, manifest)
        write_atomically(home / f"{manifest.key}.current", f"{beside.name}\n".encode())
        return beside

    def _exchange(self, out: Path, place: Path, manifest: Manifest) -> Path:
        """Put `out` where something else is, which is removed."""
        aside = self.root / "damaged" / manifest.stage / manifest.key
        remove_tree(aside)
        aside.parent.mkdir(parents=True, exist_ok=True)
        place.rename(aside)
        final = self._rename(out, place)
        remove_tree(aside)
        return final

    def _record_check(self, manifest: Manifest, verdict: str) -> None:
        """Append what a rebuild of an existing key gave to `<key>.checks`, one JSON line each."""
        path = self.root / "artifacts" / manifest.stage / f"{manifest.key}.checks"
        line = {
            "digest": manifest.digest,
            "verdict": verdict,
            "time": datetime.now(UTC).isoformat(),
        }
        earlier = path.read_bytes() if path.exists() else b""
        write_atomically(path, earlier + canonical_json(line).encode() + b"\n")

    def checks(self, stage: str, key: str) -> list[dict[str, str]]:
        """What rebuilds of this key gave: digest, verdict (identical, different), time."""
        path = self.root / "artifacts" / stage / f"{key}.checks"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def _rename(self, out: Path, final: Path) -> Path:
        out.rename(final)
        sync_directory(final.parent)
        return final

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """Every served artifact's (stage, key, directory), sorted."""
        home = self.root / "artifacts"
        for stage in sorted(home.iterdir()) if home.is_dir() else ():
            for directory in sorted(stage.iterdir()):
                key, _, _revision = directory.name.partition(".")
                if directory.is_dir() and self.directory(stage.name, key) == directory:
                    yield stage.name, key, directory

    def cache_directory(self, name: str) -> Path:
        """A directory for what tools would otherwise put into the home; may be deleted any time."""
        return self.root / "cache" / name

    def discard_staging(self, stage: str, key: str) -> None:
        """Forget what a killed build left."""
        shutil.rmtree(self.root / "staging" / stage / key, ignore_errors=True)
