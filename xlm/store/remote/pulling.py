"""Pulls an artifact into the local store: checked while it arrives, staged, then published.

The files arrive in `pulling/<stage>/<key>/`. A pull that was killed goes on there, in the middle of
a file too.
"""

import hashlib
import os
import shutil
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from xlm.errors import DamagedRemoteError, RemoteStoreError, StoreError, UnreachableRemoteError
from xlm.store.artifact import Artifact
from xlm.store.disk.filesystem import (
    is_real_directory,
    is_real_file,
    make_real_directory,
    remove_empty_directories,
    remove_special_files,
    remove_tree,
    sync_tree,
    walk_real,
    write_atomically,
)
from xlm.store.manifest import MANIFEST_NAME, FileRecord, read_manifest
from xlm.store.publication import commit_artifact
from xlm.store.remote.client import Block, Check
from xlm.store.remote.layout import RemoteManifest, repair
from xlm.store.remote.remote_store import OnBytes, RemoteStore, no_check
from xlm.store.remote.transfers import BLOCK_BYTES, BLOCKS_AT_ONCE, attempted, in_parallel
from xlm.store.store import ArtifactStore

PULLING = "pulling"
"""Directory below the store's root for artifacts that arrive."""


def pull_artifact(
    remote: RemoteStore,
    store: ArtifactStore,
    found: RemoteManifest,
    *,
    on_bytes: OnBytes = lambda count: None,
    check: Check = no_check,
) -> Artifact:
    """Copy an artifact into the local store. The caller holds the key's lock.

    Raises:
        DamagedRemoteError: an object is missing or does not match the manifest; it is named.
        RemoteStoreError: a request failed. What has arrived is kept for the next attempt.
        StoreError: the local disk has too little free space.
    """
    manifest = found.manifest
    stage, key = manifest.stage, manifest.key
    out = make_real_directory(store.root, PULLING, stage, key)
    remove_special_files(out)
    needed = max(0, manifest.size_bytes - _size_of(out))
    try:
        space = _Space(store.root, needed)
    except StoreError:
        _require_true_sizes(remote, found, check)
        raise
    pull = _Pull(remote, found, out, on_bytes, space)
    try:
        in_parallel(pull.file, manifest.all_files, remote.pull_slots, check)
    except DamagedRemoteError:
        remove_tree(out)
        raise
    finally:
        space.release()
    _remove_others(out, {record.path for record in manifest.all_files})
    content = f"{manifest.model_dump_json(indent=1)}\n".encode()
    write_atomically(out / MANIFEST_NAME, content)
    sync_tree(out)
    final = commit_artifact(store, out, manifest)
    remove_tree(out)
    remove_tree(store.root / "staging" / stage / key)  # of a killed build, which is not needed now
    return Artifact(final, read_manifest(final))


def _require_true_sizes(remote: RemoteStore, found: RemoteManifest, check: Check) -> None:
    """Check the sizes of a manifest that asks for more space than there is.

    Raises:
        DamagedRemoteError: an object has another size.
    """
    for record in found.manifest.all_files:
        size = remote.client.size_bytes(found.file_name(record.path), check)
        if size != record.size_bytes:
            raise _damaged(remote.url, found, record, _wrong_size(size, record))


class _Pull:
    def __init__(
        self,
        remote: RemoteStore,
        found: RemoteManifest,
        out: Path,
        on_bytes: OnBytes,
        space: "_Space",
    ) -> None:
        self._client, self._found, self._out = remote.client, found, out
        self._on_bytes, self._space = on_bytes, space

    def file(self, record: FileRecord, check: Check) -> None:
        """Copy a file and compare it with its sha256; what is there already is used."""
        path = self._out / record.path
        parents = Path(record.path).parts[:-1]
        make_real_directory(self._out, *parents)
        if is_real_directory(path) or (is_real_file(path) and _size(path) > record.size_bytes):
            remove_tree(path)
        had = _size(path)
        if self._copy(path, record, check):
            return
        path.unlink()
        self._on_bytes(-record.size_bytes)
        # What an earlier pull had left may have been of another builder.
        if not had or not self._copy(path, record, check):
            path.unlink(missing_ok=True)
            raise self._damaged(record, "it does not match its sha256 in the manifest")

    def _copy(self, path: Path, record: FileRecord, check: Check) -> bool:
        digest, position = hashlib.sha256(), 0
        with path.open("ab+") as stream:
            stream.seek(0)
            while block := stream.read(1 << 20):
                check()
                digest.update(block)
                position += len(block)
                self._on_bytes(len(block))
            for arrived in self._blocks(record, position, check):
                stream.write(arrived)
                digest.update(arrived)
                self._on_bytes(len(arrived))
                self._space.use(len(arrived))
        return digest.hexdigest() == record.sha256

    def _blocks(self, record: FileRecord, position: int, check: Check) -> Iterator[bytes]:
        """The rest of a file; several blocks are on their way at the same time."""
        name = self._found.file_name(record.path)
        starts = range(position, record.size_bytes, BLOCK_BYTES)
        firsts = iter(starts if record.size_bytes else [0])
        coming: deque[tuple[int, Future[Block]]] = deque()
        try:
            while True:
                while len(coming) < BLOCKS_AT_ONCE and (first := next(firsts, None)) is not None:
                    length = min(BLOCK_BYTES, record.size_bytes - first)
                    coming.append((first, self._client.start_block(name, first, length)))
                if not coming:
                    return
                yield self._finish(record, *coming.popleft(), check)
        finally:
            for _, block in coming:
                block.cancel()

    def _finish(
        self, record: FileRecord, first: int, started: "Future[Block]", check: Check
    ) -> bytes:
        name = self._found.file_name(record.path)
        length = min(BLOCK_BYTES, record.size_bytes - first)
        attempts: Any = iter([started])

        def read() -> Block | None:
            future = next(attempts, None) or self._client.start_block(name, first, length)
            return self._client.finish_block(name, future, check)

        try:
            block = attempted(read, check)
        except UnreachableRemoteError:
            raise
        except RemoteStoreError:
            # Servers refuse a range behind the end of an object.
            size = self._client.size_bytes(name, check)
            if size == record.size_bytes:
                raise
            raise self._damaged(record, _wrong_size(size, record)) from None
        if block is None:
            raise self._damaged(record, "it is missing")
        if (block.total_bytes, len(block.data)) != (record.size_bytes, length):
            raise self._damaged(record, _wrong_size(block.total_bytes, record))
        return block.data

    def _damaged(self, record: FileRecord, reason: str) -> DamagedRemoteError:
        return _damaged(self._client.url, self._found, record, reason)


def _damaged(
    url: str, found: RemoteManifest, record: FileRecord, reason: str
) -> DamagedRemoteError:
    return DamagedRemoteError(
        f"{found.file_name(record.path)} in {url} is damaged: {reason}",
        fix=repair(found.manifest.stage, found.manifest.key),
    )


def _wrong_size(size: int | None, record: FileRecord) -> str:
    if size is None:
        return "it is missing"
    return f"it has {size} bytes, the manifest says {record.size_bytes}"


class _Space:
    """Free space of a disk that a pull will use; other pulls of this process cannot have it.

    Raises:
        StoreError: the disk has less.
    """

    _reserved: ClassVar[dict[Path, int]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, root: Path, needed: int) -> None:
        self._root, self._left = root, needed
        with self._lock:
            free = shutil.disk_usage(root).free - self._reserved.get(root, 0)
            if needed > free:
                raise StoreError(
                    f"a pull needs {needed:,} bytes in {root}, which has {max(free, 0):,} free",
                    fix="free some space, or use another root",
                )
            self._reserved[root] = self._reserved.get(root, 0) + needed

    def use(self, count: int) -> None:
        """Bytes have arrived: they are on the disk now."""
        with self._lock:
            count = min(count, self._left)
            self._left -= count
            self._reserved[self._root] -= count

    def release(self) -> None:
        """The pull has ended."""
        self.use(self._left)


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.lstat().st_size
    return 0


def _size_of(directory: Path) -> int:
    return sum(
        entry.stat(follow_symlinks=False).st_size
        for entry in walk_real(directory)
        if entry.is_file(follow_symlinks=False)
    )


def _remove_others(out: Path, listed: set[str]) -> None:
    """Remove what an earlier pull of other files left."""
    for entry in list(walk_real(out)):
        relative = os.path.relpath(entry.path, out)
        if not entry.is_dir(follow_symlinks=False) and relative not in listed:
            Path(entry.path).unlink()
    remove_empty_directories(out)
