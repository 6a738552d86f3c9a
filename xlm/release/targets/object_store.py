"""A folder of an object store as a target, through the client of the remote store.

An object appears completely or not at all. Objects of the same size are read to compare them.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from xlm.errors import ConfigError, PublishError, XlmError
from xlm.release.targets.place import (
    Comparison,
    OnBytes,
    State,
    require_complete,
    write_in_order,
)
from xlm.release.targets.publication import LocalFile, ModelFolder
from xlm.store.disk.filesystem import open_regular
from xlm.store.remote.remote_store import RemoteStore, no_check
from xlm.store.remote.transfers import BLOCK_BYTES, BLOCKS_AT_ONCE, attempted, block_bytes

_CREDENTIALS = "check the credentials in the environment (docs/how-to/publish-a-model.md)"


class ObjectStorePlace:
    """The folder `name` below the URL of an object store."""

    def __init__(self, store: RemoteStore, name: str) -> None:
        self._client = store.client
        self._name = name
        self.address = f"{store.url}/{name}"

    def compare(self, folder: ModelFolder) -> Comparison:
        """Compare sizes, and sha256 digests of objects of the same size."""
        with as_publish_errors():
            listed = attempted(lambda: self._client.listed(self._name, no_check), no_check)
            sizes = {
                one.name.removeprefix(f"{self._name}/"): one.size_bytes
                for one in listed
                if one.name.startswith(f"{self._name}/")
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
                remove=lambda name: self._client.delete([f"{self._name}/{name}"], no_check),
            )
        require_complete(self, folder)
        return f"{len(comparison.pending(folder))} files written to {self.address}"

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
        name = f"{self._name}/{file.name}"
        future = self._client.start_block(name, first, length)
        block = self._client.finish_block(name, future, no_check)
        return b"" if block is None else block.data

    def _write(self, file: LocalFile, on_bytes: OnBytes) -> None:
        attempted(lambda: self._write_once(file, on_bytes), no_check)

    def _write_once(self, file: LocalFile, on_bytes: OnBytes) -> None:
        name, size = f"{self._name}/{file.name}", block_bytes(file.size_bytes)
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
    """Say what to do with a target, where the client would speak of the remote store.

    Raises:
        PublishError: a request failed.
        ConfigError: the URL is not valid, or obstore is not installed.
    """
    try:
        yield
    except PublishError:
        raise
    except XlmError as error:
        what = error.what.replace("the URL of the remote store", "--to").replace(
            "the remote store", "the target"
        )
        fix = error.fix.replace("docs/how-to/share-a-store.md", "docs/how-to/publish-a-model.md")
        fix = fix.replace(", or unset store.remote and XLM_REMOTE", "")
        fix = fix.replace("store.remote or XLM_REMOTE", "--to")
        error_class = ConfigError if isinstance(error, ConfigError) else PublishError
        raise error_class(what, fix=fix or _CREDENTIALS) from None
