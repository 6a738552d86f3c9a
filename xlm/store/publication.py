"""Publishes finished builds: a manifest, a flush to the disk, and one atomic rename.

    artifact = publish_artifact(store, staging, description, measured, volatile=("README.md",))

If the key already has an artifact, a rebuild with the same digest keeps it. A rebuild with another
digest is stored next to it and served from then on; a damaged artifact is replaced.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.store.artifact import Artifact, Staging
from xlm.store.disk.filesystem import (
    is_real_directory,
    make_real_directory,
    remove_drafts,
    remove_empty_directories,
    remove_tree,
    rename_durably,
    sync_tree,
    write_atomically,
)
from xlm.store.file_digest import FileDigest
from xlm.store.file_jobs import recorded_digests
from xlm.store.integrity.corruption import mark_if_corrupted
from xlm.store.integrity.pruned import is_pruned, other_bytes_error
from xlm.store.integrity.verdicts import record_verdict
from xlm.store.keys import canonical_json
from xlm.store.manifest import (
    MANIFEST_NAME,
    RUN_NAME,
    Manifest,
    content_digest,
    describe_files,
    read_manifest,
)
from xlm.store.store import ArtifactStore

log = logging.getLogger(__name__)


def publish_artifact(
    store: ArtifactStore,
    staging: Staging,
    description: Mapping[str, Any],
    measured: Mapping[str, Any],
    volatile: Sequence[str] = (),
    hashed: Sequence[FileDigest] = (),
    *,
    accept_other_bytes: bool = False,
) -> Artifact:
    """Publish a finished build: write run.json and the manifest, flush, rename.

    The caller holds the lock of the key. If the lock was lost, the first rename wins.

    Args:
        store: the store.
        staging: the directories of the build.
        description: the fields of the manifest except files and digest.
        measured: the contents of `run.json`.
        volatile: patterns of files that are not part of the digest.
        hashed: digests of files, besides those in the completion records of the build.
        accept_other_bytes: replace a pruned artifact also if its digest was another.

    Raises:
        StoreError: the key was pruned, and these bytes have another digest.
    """
    # A job that a cluster killed and started again wrote to `out` in both lives.
    remove_drafts(staging.out)
    remove_empty_directories(staging.out)
    write_atomically(staging.out / RUN_NAME, (canonical_json(measured) + "\n").encode())
    known = [*recorded_digests(staging.records), *hashed]
    files, measured_files = describe_files(staging.out, volatile, known)
    manifest = Manifest(
        **description, files=files, volatile=measured_files, digest=content_digest(files)
    )
    write_atomically(
        staging.out / MANIFEST_NAME, (manifest.model_dump_json(indent=1) + "\n").encode()
    )
    sync_tree(staging.out)
    final = commit_artifact(store, staging.out, manifest, accept_other_bytes=accept_other_bytes)
    # A worker believed dead can still write to it; the next run removes the rest.
    with suppress(OSError):
        remove_tree(staging.base)
    return Artifact(final, read_manifest(final))


def commit_artifact(
    store: ArtifactStore, out: Path, manifest: Manifest, *, accept_other_bytes: bool = False
) -> Path:
    """Move `out` to its final place, or keep an equal artifact; returns the served directory.

    Raises:
        StoreError: the key was pruned, and `out` has another digest.
    """
    home = _home(store.root, manifest.stage)
    served = store.directory(manifest.stage, manifest.key)
    if not os.path.lexists(served):
        return rename_durably(out, served)
    if is_pruned(served):
        return _restore(store, served, out, manifest, accept_other_bytes)
    if store.damage(manifest.stage, manifest.key, "deep") is not None:
        mark_if_corrupted(store.root, served, manifest.stage, manifest.key)
        return _replace(store.root, served, out, manifest)
    old = read_manifest(served)
    verdicts = store.checks_path(manifest.stage, manifest.key)
    if old.digest == manifest.digest:
        record_verdict(verdicts, manifest.digest, "identical")
        facts = (old.counts, old.sources, old.upstream)
        if facts == (manifest.counts, manifest.sources, manifest.upstream):
            return served
        # Equal bytes, other facts. For example, the file on the server grew after the part that we
        # download: with the old manifest, every later run would see a stale artifact.
        return _replace(store.root, served, out, manifest)
    record_verdict(verdicts, manifest.digest, "different")
    return _publish_variant(store, home, out, manifest, old)


def _restore(
    store: ArtifactStore, served: Path, out: Path, manifest: Manifest, accept_other_bytes: bool
) -> Path:
    """Put the files of a pruned artifact back, if they are the same ones."""
    pruned = store.find_pruned(manifest.stage, manifest.key)
    if pruned is not None:
        same = pruned.manifest.digest == manifest.digest
        if not same and not accept_other_bytes:
            raise other_bytes_error(pruned.manifest, manifest)
        verdicts = store.checks_path(manifest.stage, manifest.key)
        record_verdict(verdicts, manifest.digest, "identical" if same else "different")
    return _replace(store.root, served, out, manifest)


def _publish_variant(
    store: ArtifactStore, home: Path, out: Path, manifest: Manifest, old: Manifest
) -> Path:
    """Store a rebuild with another digest next to the old artifact, and serve it from now on."""
    log.warning(
        "%s %s is not deterministic: the rebuild has digest %s, the old artifact %s",
        manifest.stage,
        manifest.key,
        manifest.digest[:12],
        old.digest[:12],
    )
    variant = home / f"{manifest.key}.{manifest.digest[:12]}"
    if not os.path.lexists(variant):
        rename_durably(out, variant)
    elif store.directory_damage(variant, manifest.stage, manifest.key, "deep") is not None:
        _replace(store.root, variant, out, manifest)
    write_atomically(home / f"{manifest.key}.current", f"{variant.name}\n".encode())
    return variant


def _home(root: Path, stage: str) -> Path:
    """Return the directory of a stage's artifacts; created if missing."""
    home = root / "artifacts"
    for directory in (home, home / stage):
        if os.path.lexists(directory) and not is_real_directory(directory):
            raise StoreError(
                f"{directory} is a link or a file, not a directory of the store",
                fix="move the directory itself there, or choose another root with --root",
            )
        directory.mkdir(parents=True, exist_ok=True)
    return home / stage


def _replace(root: Path, old: Path, new: Path, manifest: Manifest) -> Path:
    """Rename `new` to `old`; what was at `old` is removed."""
    aside = make_real_directory(root, "damaged", manifest.stage) / manifest.key
    remove_tree(aside)
    old.rename(aside)
    final = rename_durably(new, old)
    remove_tree(aside)
    return final
