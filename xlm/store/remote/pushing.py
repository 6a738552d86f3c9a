"""Pushes an artifact: its files into a new folder, then one conditional write.

The builder that writes the manifest first has won. A builder that comes second deletes its own
files, so the files of two builders are never mixed and never read in part.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from xlm.errors import DamagedRemoteError, RemoteStoreError, StoreError, UnreachableRemoteError
from xlm.store.disk.filesystem import open_regular
from xlm.store.manifest import FileRecord, Manifest, read_manifest
from xlm.store.remote.client import Check
from xlm.store.remote.layout import RemoteManifest, file_name, key_prefix, manifest_name
from xlm.store.remote.pending import PendingPushes
from xlm.store.remote.remote_store import OnBytes, RemoteStore, no_check
from xlm.store.remote.transfers import (
    BLOCKS_AT_ONCE,
    attempted,
    block_bytes,
    in_parallel,
)
from xlm.store.store import ArtifactStore

Outcome = Literal["pushed", "present", "different"]
"""`present`: the remote store has the same bytes. `different`: it has others, and keeps them."""
Replace = Literal["nothing", "same bytes", "anything"]
"""What a push may take the place of. `same bytes`: an artifact that is known to be damaged or out
of date, if its digest is the same."""


@dataclass(frozen=True)
class Pushed:
    """The result of a push."""

    manifest: Manifest
    outcome: Outcome
    remote: RemoteManifest
    """The manifest that the remote store has now."""


def push_artifact(
    remote: RemoteStore,
    store: ArtifactStore,
    stage: str,
    key: str,
    *,
    replace: Replace = "nothing",
    on_bytes: OnBytes = lambda count: None,
    check: Check = no_check,
) -> Pushed:
    """Push the artifact that a local store serves for a key. The caller holds the key's lock.

    A push that was killed goes on where it was: files that are complete are not sent again.

    Raises:
        StoreError: the local artifact is damaged or missing; nothing refers to what was sent.
        DamagedRemoteError: the remote manifest is damaged, and `replace` does not allow to replace
            it.
        RemoteStoreError: a request failed. The next push of this key goes on from here.
    """
    if store.find_pruned(stage, key) is not None:
        raise StoreError(
            f"{stage} {key} was pruned: its files are not here to be pushed",
            fix="build it again with `xlm run --only`, then push it",
        )
    if (damage := store.damage(stage, key, "fast")) is not None:
        raise StoreError(
            f"{stage} {key} is damaged ({damage}) and was not pushed",
            fix="rebuild it with `xlm run --verify deep`",
        )
    push = _Push(remote, store, read_manifest(store.directory(stage, key)), on_bytes, check)
    found = push.existing(replace)
    if isinstance(found, Pushed):
        return found
    push.send()
    return push.commit(overwrite=found)


class _Push:
    def __init__(
        self,
        remote: RemoteStore,
        store: ArtifactStore,
        manifest: Manifest,
        on_bytes: OnBytes,
        check: Check,
    ) -> None:
        self._remote, self._client = remote, remote.client
        self._directory = store.directory(manifest.stage, manifest.key)
        self._manifest, self._on_bytes, self._check = manifest, on_bytes, check
        self._stage, self._key = manifest.stage, manifest.key
        self._pending = PendingPushes(store.root)
        self._own = RemoteManifest(
            builder=self._pending.add(self._stage, self._key, manifest.digest), manifest=manifest
        )

    def existing(self, replace: Replace) -> Pushed | bool:
        """Return the result if there is nothing to send, or else whether to replace a manifest."""
        try:
            found = self._remote.find(self._stage, self._key, self._check)
        except DamagedRemoteError:
            if replace != "anything":
                raise
            return True
        if found is None:
            return False
        same = found.manifest.digest == self._manifest.digest
        if same and replace == "nothing" and self._is_complete(found):
            return self._ended("present", found)
        if not same and replace != "anything":
            return self._ended("different", found)
        return True

    def send(self) -> None:
        """Send the files that the builder's folder does not have yet."""
        try:
            have, _ = self._present()
            if have:
                # A new object in the folder of an old push: `remove_orphans` leaves it alone.
                renewed = min(have, key=lambda record: record.size_bytes)
                self._send_all([renewed])
                self._on_bytes(-renewed.size_bytes)
            # Listed after that: it may have removed some before.
            have, missing = self._present()
            for record in have:
                self._on_bytes(record.size_bytes)
            self._send_all(missing)
        except RemoteStoreError:
            raise
        except StoreError:
            # The folder is not used again: a file of the right size would be taken for complete.
            self._pending.remove(self._stage, self._key)
            self._discard()
            raise

    def commit(self, *, overwrite: bool) -> Pushed:
        """Write the manifest; if another builder was first, delete what was sent."""
        name = manifest_name(self._stage, self._key)
        data = self._own.model_dump_json(indent=1).encode() + b"\n"
        if overwrite:
            attempted(lambda: self._client.write_small(name, data, self._check), self._check)
        if overwrite or self._created(name, data):
            return self._complete(self._own)
        winner = attempted(
            lambda: self._remote.find(self._stage, self._key, self._check), self._check
        )
        if winner is None:
            raise UnreachableRemoteError(
                f"{name} in {self._remote.url} was not written",
                fix="push again with `xlm store push`",
            )
        if winner.builder == self._own.builder:
            # The answer to an earlier attempt was lost, or another process went on with this push.
            return self._complete(winner)
        self._discard()
        same = winner.manifest.digest == self._manifest.digest
        return self._ended("present" if same else "different", winner)

    def _created(self, name: str, data: bytes) -> bool:
        """Whether this attempt created the manifest; if it is not known, the reader finds out."""
        try:
            return self._client.create(name, data, self._check)
        except UnreachableRemoteError:
            return attempted(lambda: self._client.create(name, data, self._check), self._check)

    def _complete(self, remote: RemoteManifest) -> Pushed:
        """End the push, whose manifest is written.

        First send again what `remove_orphans` took for left over: this process may have stood
        still for days before it wrote the manifest.
        """
        _, missing = self._present()
        self._send_all(missing)
        return self._ended("pushed", remote)

    def _present(self) -> tuple[list[FileRecord], list[FileRecord]]:
        """The files that the builder's folder has, and those that it has not."""
        sizes = self._sizes(self._own.builder)
        have, missing = list[FileRecord](), list[FileRecord]()
        for one in self._manifest.all_files:
            name = self._own.file_name(one.path)
            (have if sizes.get(name) == one.size_bytes else missing).append(one)
        return have, missing

    def _send_all(self, records: list[FileRecord]) -> None:
        in_parallel(self._send_file, records, self._remote.push_slots, self._check)

    def _ended(self, outcome: Outcome, remote: RemoteManifest) -> Pushed:
        self._pending.remove(self._stage, self._key)
        return Pushed(self._manifest, outcome, remote)

    def _sizes(self, builder: str) -> dict[str, int]:
        prefix = f"{key_prefix(self._stage, self._key)}/{builder}"
        return {one.name: one.size_bytes for one in self._client.listed(prefix, self._check)}

    def _is_complete(self, found: RemoteManifest) -> bool:
        have = self._sizes(found.builder)
        files = found.manifest.all_files
        return all(have.get(found.file_name(one.path)) == one.size_bytes for one in files)

    def _discard(self) -> None:
        self._client.delete(list(self._sizes(self._own.builder)), self._check)

    def _send_file(self, record: FileRecord, check: Check) -> None:
        attempted(lambda: self._send_once(record, check), check)

    def _send_once(self, record: FileRecord, check: Check) -> None:
        name = file_name(self._stage, self._key, self._own.builder, record.path)
        path = self._directory / record.path
        size = block_bytes(record.size_bytes)
        digest, sent = hashlib.sha256(), 0

        def blocks() -> Iterator[bytes]:
            nonlocal sent
            with os.fdopen(open_regular(path), "rb") as stream:
                while block := stream.read(size):
                    digest.update(block)
                    yield block
                    sent += len(block)
                    self._on_bytes(len(block))

        try:
            if record.size_bytes <= size:
                self._client.write_small(name, b"".join(blocks()), check)
            else:
                self._client.write_blocks(name, blocks(), size, BLOCKS_AT_ONCE, check)
        except BaseException:
            self._on_bytes(-sent)
            raise
        if digest.hexdigest() != record.sha256:
            raise StoreError(
                f"{self._stage} {self._key} is damaged ({record.path} does not match its sha256) "
                "and was not pushed",
                fix="rebuild it with `xlm run --verify deep`",
            )
