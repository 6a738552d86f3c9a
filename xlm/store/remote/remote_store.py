"""The remote store: artifacts in a bucket that several machines share.

    remote = RemoteStore.open("s3://bucket/xlm")
    remote.require_conditions()
    if (found := remote.find("tokenize", key)) is not None: ...

`pushing.py` adds artifacts and `pulling.py` copies them to a local store.
"""

from collections.abc import Callable
from typing import Any, Self

from xlm.errors import DeniedRemoteError, RemoteStoreError
from xlm.store.remote.client import Check, Client
from xlm.store.remote.connection import connect
from xlm.store.remote.layout import (
    PROBE,
    PROBE_NAME,
    RemoteManifest,
    manifest_name,
    parse_manifest,
)
from xlm.store.remote.transfers import Slots


def no_check() -> None:
    """Let a request take as long as it takes."""


class RemoteStore:
    """A folder in an object store. Methods are called from many threads."""

    def __init__(self, url: str, objects: Any) -> None:
        self.url = url
        self.client = Client(objects, url)
        # Pushes, which nobody waits for, must not keep nodes from being pulled.
        self.push_slots, self.pull_slots = Slots(), Slots()

    @classmethod
    def open(cls, url: str, *, insecure: bool = False) -> Self:
        """Open the store at a URL; nothing is sent yet. See `connect` for errors."""
        return cls(url, connect(url, insecure=insecure))

    def require_conditions(self, check: Check = no_check) -> bool:
        """Return whether the store can be written, after a test of its conditional writes.

        One object is written under the condition that it does not exist. If it did not, it is
        written again, which must fail.

        Raises:
            RemoteStoreError: the server ignores conditions, or refuses the credentials, or the
                bucket does not exist.
            UnreachableRemoteError: it does not answer.
        """
        try:
            is_new = self.client.create(PROBE_NAME, PROBE, check)
            accepts_all = is_new and self.client.create(PROBE_NAME, PROBE, check)
        except DeniedRemoteError:
            self.client.read_small(PROBE_NAME, check)  # raises if reading is denied, too
            return False
        if accepts_all:
            raise RemoteStoreError(
                f"the server of the remote store {self.url} ignores conditional writes "
                "(If-None-Match), so two builders could overwrite each other",
                fix="use a server that honours them, such as Amazon S3 or a current MinIO",
            )
        return True

    def find(self, stage: str, key: str, check: Check = no_check) -> RemoteManifest | None:
        """Read the manifest of a key; None if the store does not have it.

        Raises:
            DamagedRemoteError: the manifest is invalid.
            RemoteStoreError: the request failed.
        """
        data = self.client.read_small(manifest_name(stage, key), check)
        return None if data is None else parse_manifest(data, stage, key, self.url)


OnBytes = Callable[[int], None]
"""Called with the number of bytes that were transferred since the last call."""
