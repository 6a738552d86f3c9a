"""Adds the artifacts of an archive to a store: checked, staged, flushed, then renamed.

with open_archive(Path("model.zip")) as archive:
    added = archive.publish(store)
"""

import hashlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import DataError, StoreError
from xlm.store.archives.layout import (
    INDEX_NAME,
    NOT_TRUSTED,
    Entry,
    Index,
    read_archived_manifest,
    read_index,
)
from xlm.store.cleaning.garbage import IMPORTING
from xlm.store.disk.filesystem import (
    make_real_directory,
    remove_tree,
    sync_tree,
    write_atomically,
)
from xlm.store.manifest import MANIFEST_NAME, FileRecord, Manifest
from xlm.store.publication import commit_artifact
from xlm.store.store import ArtifactStore

_BLOCK_BYTES = 1 << 20
_MAX_RATIO = 200
_UNCHECKED_BYTES = 64 << 20
"""Below this size no ratio of compression is dangerous."""
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What `zipfile` raises for members that are damaged, encrypted or of an unknown compression."""

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class OpenArchive:
    """An archive with names and sizes that were checked; its files are not read yet."""

    path: Path
    zip_file: zipfile.ZipFile
    index: Index
    manifests: tuple[Manifest, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all files when they are unpacked."""
        return sum(manifest.size_bytes for manifest in self.manifests)

    def publish(
        self,
        store: ArtifactStore,
        on_bytes: OnBytes = lambda count: None,
        record: Callable[[], None] = lambda: None,
    ) -> list[Manifest]:
        """Add the artifacts that the store does not have; returns their manifests.

        If it is killed, each artifact is there whole or not at all, and the next import adds the
        rest.

        Args:
            store: the store.
            on_bytes: called with the number of bytes that were unpacked since the last call.
            record: records what needs the artifacts, so that `xlm store gc` keeps them.

        Raises:
            DataError: a file does not match its manifest. Nothing was added.
            StoreError: the store has other bytes for a key, or too little free space.
        """
        with store.leased() as held:
            missing = [
                (entry, manifest)
                for entry, manifest in zip(self.index.artifacts, self.manifests, strict=True)
                if not _is_here(held, manifest)
            ]
            _require_space(store.root, sum(manifest.size_bytes for _, manifest in missing))
            home = make_real_directory(store.root, IMPORTING, _name(held))
            try:
                staged = [
                    (self._stage(home / f"{entry.stage}.{entry.key}", entry, manifest, on_bytes))
                    for entry, manifest in missing
                ]
                for out, (_, manifest) in zip(staged, missing, strict=True):
                    with held.lock(manifest.stage, manifest.key):
                        if not _is_here(held, manifest):
                            commit_artifact(held, out, manifest)
                record()
            finally:
                remove_tree(home)
        return [manifest for _, manifest in missing]

    def _stage(self, out: Path, entry: Entry, manifest: Manifest, on_bytes: OnBytes) -> Path:
        """Unpack an artifact: files first, then the manifest, then a flush to the disk."""
        out.mkdir()
        for record in manifest.all_files:
            self._unpack(entry.file_name(record.path), out / record.path, record, on_bytes)
        content = f"{manifest.model_dump_json(indent=1)}\n".encode()
        write_atomically(out / MANIFEST_NAME, content)
        sync_tree(out)
        return out

    def _unpack(self, name: str, target: Path, record: FileRecord, on_bytes: OnBytes) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size_bytes = hashlib.sha256(), 0
        try:
            with self.zip_file.open(name) as source, target.open("xb") as stream:
                while block := source.read(_BLOCK_BYTES):
                    size_bytes += len(block)
                    if size_bytes > record.size_bytes:
                        break
                    stream.write(block)
                    digest.update(block)
                    on_bytes(len(block))
        except _DAMAGED as error:
            raise DataError(f"{self.path}: {name} is damaged ({error})", fix=NOT_TRUSTED) from None
        if (size_bytes, digest.hexdigest()) != (record.size_bytes, record.sha256):
            raise DataError(
                f"{self.path}: {name} does not match its sha256 in the manifest", fix=NOT_TRUSTED
            )


@contextmanager
def open_archive(path: Path) -> Iterator[OpenArchive]:
    """Open an archive, and check all names and sizes before any file is unpacked.

    Raises:
        DataError: the file is not an archive of a store, or it is damaged or malicious.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a file", fix="name an archive of `xlm store export`")
    try:
        zip_file = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OverflowError, ValueError) as error:
        raise DataError(
            f"{path} is not a ZIP file, or it is incomplete ({error})", fix="copy it again"
        ) from None
    with zip_file:
        try:
            index = read_index(zip_file, path)
            manifests = tuple(
                read_archived_manifest(zip_file, entry, path) for entry in index.artifacts
            )
        except _DAMAGED as error:
            raise DataError(f"{path} is damaged ({error})", fix="copy it again") from None
        _require_expected_members(zip_file, path, index, manifests)
        yield OpenArchive(path, zip_file, index, manifests)


def _require_expected_members(
    zip_file: zipfile.ZipFile, path: Path, index: Index, manifests: tuple[Manifest, ...]
) -> None:
    """Refuse further or missing members, links, and sizes that the manifests do not list."""
    sizes: dict[str, int | None] = {INDEX_NAME: None}
    for entry, manifest in zip(index.artifacts, manifests, strict=True):
        sizes[entry.manifest_name] = None
        for record in manifest.all_files:
            sizes[entry.file_name(record.path)] = record.size_bytes
    members = zip_file.infolist()
    for member in members:
        name = member.filename
        reason = None
        if name not in sizes:
            reason = "it does not belong to an artifact"
        elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            reason = "it is not a regular file"
        elif member.flag_bits & _ENCRYPTED:
            reason = "it is encrypted"
        elif sizes[name] not in (None, member.file_size):
            reason = f"it has {member.file_size} bytes, the manifest says {sizes[name]}"
        if reason is not None:
            raise DataError(f"{path}: {name[:200]!r}: {reason}", fix=NOT_TRUSTED)
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise DataError(f"{path} contains a file twice", fix=NOT_TRUSTED)
    if missing := sizes.keys() - set(names):
        raise DataError(f"{path}: {min(missing)} is missing", fix=NOT_TRUSTED)
    unpacked = sum(member.file_size for member in members)
    if unpacked > _UNCHECKED_BYTES and unpacked > _MAX_RATIO * path.stat().st_size:
        raise DataError(f"{path} unpacks to more than {_MAX_RATIO} times its size", fix=NOT_TRUSTED)


def _is_here(store: ArtifactStore, manifest: Manifest) -> bool:
    """Whether the store has the same artifact, undamaged.

    Raises:
        StoreError: it has, or had until it was pruned, other bytes of the same key.
    """
    found = store.find(manifest.stage, manifest.key, "deep")
    # Of a pruned artifact, the archive gives the files back.
    is_here = found is not None
    found = found or store.find_pruned(manifest.stage, manifest.key)
    if found is None:
        return False
    if found.manifest.digest != manifest.digest:
        raise StoreError(
            f"{manifest.stage}[{manifest.unit}] {manifest.key} is in the store with other bytes "
            f"(digest {found.manifest.digest[:12]}, in the archive {manifest.digest[:12]})",
            fix="import it into another root, or remove the one in the store with `xlm store rm`",
        )
    return is_here


def _require_space(root: Path, size_bytes: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if size_bytes > free:
        raise StoreError(
            f"the archive needs {size_bytes:,} bytes in {root}, which has {free:,} free",
            fix="free some space, or use another root",
        )


def _name(store: ArtifactStore) -> str:
    if store.lease is None:
        raise StoreError("an import needs a lease", fix="open the store with `leased`")
    return store.lease.name
