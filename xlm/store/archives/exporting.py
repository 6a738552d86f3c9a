"""Writes artifacts to an archive; every byte is verified while it is copied.

export_artifacts(store, chosen, upstream, Path("model.zip"), run=None, on_bytes=print)
"""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, BinaryIO

from xlm.errors import ConfigError, StoreError
from xlm.store.archives.layout import INDEX_NAME, Entry, Index
from xlm.store.disk.filesystem import new_draft, open_regular, sync_directory
from xlm.store.disk.root import is_writable
from xlm.store.manifest import FileRecord, Manifest, read_manifest
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored

_COMPRESSED = (
    ".bz2", ".gif", ".gz", ".parquet", ".png", ".pth", ".safetensors", ".xz", ".zip", ".zst",
)  # fmt: skip
"""Files that another compression would not make smaller."""
_BLOCK_BYTES = 1 << 20
_FAST_LEVEL = 1


def export_artifacts(
    store: ArtifactStore,
    chosen: Sequence[Stored],
    upstream: Sequence[Stored],
    path: Path,
    *,
    run: Mapping[str, Any] | None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> None:
    """Write an archive atomically.

    Args:
        store: the store of the artifacts.
        chosen: the artifacts that the archive is made for.
        upstream: further artifacts, which they were built from.
        path: the archive to write; it must not exist.
        run: the record of a run to put in.
        on_bytes: called with the number of bytes that were copied since the last call.

    Raises:
        ConfigError: the archive exists, or its folder does not.
        StoreError: an artifact is damaged.
    """
    # A store that this user may only read has no place for a lease.
    with store.leased() if is_writable(store.root) else nullcontext(store) as held:
        for one in (*chosen, *upstream):
            held.hold(one.stage, one.key)
        manifests = [(one.directory, read_manifest(one.directory)) for one in (*chosen, *upstream)]
        entries = [Entry(stage=one.stage, key=one.key, digest=one.digest) for _, one in manifests]
        index = Index(chosen=len(chosen), artifacts=entries, run=None if run is None else dict(run))
        with (
            _new_file(path) as stream,
            zipfile.ZipFile(stream, "w", compresslevel=_FAST_LEVEL) as archive,
        ):
            _write(archive, INDEX_NAME, index.model_dump_json(indent=1).encode())
            for entry, (_, manifest) in zip(entries, manifests, strict=True):
                _write(archive, entry.manifest_name, manifest.model_dump_json(indent=1).encode())
            for entry, (directory, manifest) in zip(entries, manifests, strict=True):
                for record in manifest.all_files:
                    _copy(archive, entry, directory, record, manifest, on_bytes)


def _copy(
    archive: zipfile.ZipFile,
    entry: Entry,
    directory: Path,
    record: FileRecord,
    manifest: Manifest,
    on_bytes: Callable[[int], None],
) -> None:
    try:
        descriptor = open_regular(directory / record.path)
    except OSError as error:
        raise _damaged(manifest, record, error.strerror or str(error)) from None
    digest, size_bytes = hashlib.sha256(), 0
    name = entry.file_name(record.path)
    with os.fdopen(descriptor, "rb") as source, _open_member(archive, name) as target:
        while block := source.read(_BLOCK_BYTES):
            target.write(block)
            digest.update(block)
            size_bytes += len(block)
            on_bytes(len(block))
    if (size_bytes, digest.hexdigest()) != (record.size_bytes, record.sha256):
        raise _damaged(manifest, record, "it does not match its sha256")


def _damaged(manifest: Manifest, record: FileRecord, reason: str) -> StoreError:
    return StoreError(
        f"{manifest.stage}[{manifest.unit}] {manifest.key} is damaged: {record.path}: {reason}",
        fix="rebuild it with `xlm run --verify deep`",
    )


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    with _open_member(archive, name) as target:
        target.write(content)


def _open_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A new member without a time: equal artifacts give equal archives."""
    is_compressed = name.endswith(_COMPRESSED)
    archive.compression = zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED
    return archive.open(name, "w", force_zip64=True)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that appears under its name when it is complete and on the disk."""
    if os.path.lexists(path):
        raise ConfigError(f"{path} exists", fix="remove it, or choose another name")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"the folder of {path} does not exist", fix="create it")
    stream, draft = new_draft(path)
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.absolute().parent)
