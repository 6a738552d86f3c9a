"""A folder of an object store as a target, through the client of the remote store.

An object appears completely or not at all. Objects of the same size are read to compare them.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from xlm.errors import PublishError, RemoteStoreError
from xlm.release.targets.publication import LocalFile, ModelFolder
from xlm.release.targets.target import (
    Comparison,
    OnBytes,
    State,
    require_complete,
    write_in_order,
)
from xlm.store.disk.filesystem import open_regular
from xlm.store.remote.remote_store import RemoteStore, no_check
from xlm.store.remote.transfers import BLOCK_BYTES, BLOCKS_AT_ONCE, attempted, block_bytes


class ObjectStoreTarget:
    """The folder `folder` below the URL of an object store."""

    def __init__(self, store: RemoteStore, folder: str) -> None:
        self._client = store.client
        self._folder = folder
        self.name = f"{store.url}/{folder}"

    def compare(self, folder: ModelFolder) -> Comparison:
        """Compare sizes, and sha256 digests of objects of the same size."""
        with as_publish_errors():
            listed = attempted(lambda: self._client.listed(self._folder, no_check), no_check)
            sizes = {
                one.name.removeprefix(f"{self._folder}/"): one.size_bytes
                for one in listed
                if one.name.startswith(f"{self._folder}/")
            }
            states = {file.name: self._state(file, sizes.get(file.name)) for file in folder.files}
        return Comparison(states, tuple(sorted(set(sizes) - set(states))))

    def write(
        self, folder: ModelFolder, comparison: Comparison, message: str, on_bytes: OnBytes
    ) -> str:
        """Write what is missing, then read everything."""
        with as_publish_errors():
            write_in_order(
                folder,
                comparison,
                write=lambda file: self._write(file, on_bytes),
                remove=lambda name: self._client.delete([f"{self._folder}/{name}"], no_check),
            )
        require_complete(self, folder)
        return f"{len(comparison.pending(folder))} files written to {self.name}"

    def _state(self, file: LocalFile, size_bytes: int | None) -> State:
        if size_bytes is None:
            return "new"
        is_same = size_bytes == file.size_bytes and self._sha256(file) == file.sha256
        return "same" if is_same else "changed"

    def _sha256(self, file: LocalFile) -> str:
        digest = hashlib.sha256()
        for first in range(0, file.size_bytes, BLOCK_BYTES):
            length = min(BLOCK_BYTES, file.size_bytes - first)

            def read(first: int = first, length: int = length) -> bytes:
                return self._block(file, first, length)

            digest.update(attempted(read, no_check))
        return digest.hexdigest()

    def _block(self, file: LocalFile, first: int, length: int) -> bytes:
        name = f"{self._folder}/{file.name}"
        future = self._client.start_block(name, first, length)
        block = self._client.finish_block(name, future, no_check)
        return b"" if block is None else block.data

    def _write(self, file: LocalFile, on_bytes: OnBytes) -> None:
        attempted(lambda: self._write_once(file, on_bytes), no_check)

    def _write_once(self, file: LocalFile, on_bytes: OnBytes) -> None:
        name, size = f"{self._folder}/{file.name}", block_bytes(file.size_bytes)
        if file.size_bytes <= size:
            self._client.write_small(name, b"".join(_blocks(file, size)), no_check)
            on_bytes(file.size_bytes)
            return
        sent = 0

        def blocks() -> Iterator[bytes]:
            nonlocal sent
            for block in _blocks(file, size):
                yield block
                sent += len(block)
                on_bytes(len(block))

        try:
            self._client.write_blocks(name, blocks(), size, BLOCKS_AT_ONCE, no_check)
        except BaseException:
            on_bytes(-sent)
            raise


def _blocks(file: LocalFile, size: int) -> Iterator[bytes]:
    with os.fdopen(open_regular(file.path), "rb") as stream:
        while block := stream.read(size):
            yield block


@contextmanager
def as_publish_errors() -> Iterator[None]:
    """Raise a failed request as an error of the target.

    Raises:
        PublishError: a request failed.
    """
    try:
        yield
    except RemoteStoreError as error:
        raise PublishError(error.what, fix=error.fix) from None
