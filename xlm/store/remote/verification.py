"""Verifies a remote store: reads every object, and finds what no manifest names.

The bytes are hashed while they arrive and are not kept.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from xlm.errors import DamagedRemoteError, RemoteStoreError
from xlm.store.manifest import FileRecord
from xlm.store.remote.client import Check, ObjectInfo
from xlm.store.remote.layout import (
    PROBE_NAME,
    RemoteManifest,
    key_prefix,
    manifest_name,
    parse_name,
)
from xlm.store.remote.remote_store import OnBytes, RemoteStore, no_check
from xlm.store.remote.transfers import BLOCK_BYTES, attempted, in_parallel
from xlm.store.store import Verify


@dataclass(frozen=True)
class RemoteDamage:
    """An artifact that cannot be pulled, and why; the reason names the object."""

    stage: str
    key: str
    damage: str


@dataclass(frozen=True)
class Orphans:
    """The files of a push that no manifest names: it was killed, came second, or was replaced."""

    stage: str
    key: str
    builder: str
    objects: int
    size_bytes: int
    modified: str
    """When the newest of them was written."""


@dataclass
class RemoteReport:
    """The findings of `verify_remote`."""

    checked: int = 0
    size_bytes: int = 0
    damaged: list[RemoteDamage] = field(default_factory=list)
    orphans: list[Orphans] = field(default_factory=list)
    unknown_objects: list[str] = field(default_factory=list)
    """Objects that do not belong to a remote store."""


class RemoteListing:
    """All objects of a remote store, by artifact and builder."""

    def __init__(self, objects: Sequence[ObjectInfo]) -> None:
        self.keys: set[tuple[str, str]] = set()
        self.pushes: dict[tuple[str, str, str], list[ObjectInfo]] = defaultdict(list)
        self.unknown: list[str] = []
        self.sizes = {one.name: one.size_bytes for one in objects}
        for one in objects:
            name = parse_name(one.name)
            if name is None:
                if one.name != PROBE_NAME:
                    self.unknown.append(one.name)
            elif name.builder is None:
                self.keys.add((name.stage, name.key))
            else:
                self.pushes[name.stage, name.key, name.builder].append(one)


def list_remote(remote: RemoteStore, check: Check = no_check) -> RemoteListing:
    """List the whole remote store."""
    return RemoteListing(remote.client.listed("", check))


def verify_remote(
    remote: RemoteStore,
    verify: Verify,
    *,
    on_bytes: OnBytes = lambda count: None,
    check: Check = no_check,
) -> RemoteReport:
    """Compare every artifact of a remote store with its manifest.

    Args:
        remote: the store.
        verify: `fast` compares sizes with a listing, `deep` reads all files.
        on_bytes: called with the number of bytes that were read.
        check: ends the work by an exception.

    Raises:
        RemoteStoreError: a request failed.
    """
    listing = list_remote(remote, check)
    report = RemoteReport(unknown_objects=sorted(listing.unknown))
    named: set[tuple[str, str, str]] = set()
    for stage, key in sorted(listing.keys):
        report.checked += 1
        try:
            found = remote.find(stage, key, check)
            if found is None:
                continue  # removed meanwhile
            named.add((stage, key, found.builder))
            report.size_bytes += found.manifest.size_bytes
            _verify_files(remote, found, listing, verify, on_bytes, check)
        except DamagedRemoteError as error:
            report.damaged.append(RemoteDamage(stage, key, error.what))
    unreadable = {(one.stage, one.key) for one in report.damaged} - {one[:2] for one in named}
    report.orphans = [
        _orphans(*push, objects)
        for push, objects in sorted(listing.pushes.items())
        # Of a damaged manifest it is not known which files it named.
        if push not in named and push[:2] not in unreadable
    ]
    return report


def remove_orphans(
    remote: RemoteStore,
    orphans: Sequence[Orphans],
    older_than: timedelta,
    check: Check = no_check,
) -> list[Orphans]:
    """Delete orphans whose newest file is older than this; returns those that were deleted.

    A push that goes on now writes new files. They may be newer than the report, whose making takes
    hours for a large store, so the files are listed again.
    """
    removed = []
    for one in orphans:
        prefix = f"{key_prefix(one.stage, one.key)}/{one.builder}"
        objects = remote.client.listed(prefix, check)
        if any(datetime.now(UTC) - info.modified < older_than for info in objects):
            continue
        found = remote.find(one.stage, one.key, check)
        if found is not None and found.builder == one.builder:
            continue  # its manifest was written meanwhile
        remote.client.delete([info.name for info in objects], check)
        removed.append(one)
    return removed


def _verify_files(
    remote: RemoteStore,
    found: RemoteManifest,
    listing: RemoteListing,
    verify: Verify,
    on_bytes: OnBytes,
    check: Check,
) -> None:
    url = remote.url
    for record in found.manifest.all_files:
        name = found.file_name(record.path)
        size = listing.sizes.get(name)
        if size is None:
            # A push may have ended after the listing.
            size = remote.client.size_bytes(name, check)
        if size is None:
            raise DamagedRemoteError(f"{name} in {url} is missing")
        if size != record.size_bytes:
            raise DamagedRemoteError(
                f"{name} in {url} has {size} bytes, the manifest says {record.size_bytes}"
            )
    if verify == "fast":
        return
    lock, wrong = threading.Lock(), list[str]()

    def read(record: FileRecord, go_on: Check) -> None:
        if not _matches(remote, found.file_name(record.path), record, on_bytes, go_on):
            with lock:
                wrong.append(found.file_name(record.path))

    in_parallel(read, found.manifest.all_files, remote.pull_slots, check)
    if wrong:
        raise DamagedRemoteError(
            f"{', '.join(sorted(wrong)[:3])} in {url} does not match its sha256 in "
            f"{manifest_name(found.manifest.stage, found.manifest.key)}"
        )


def _matches(
    remote: RemoteStore, name: str, record: FileRecord, on_bytes: OnBytes, check: Check
) -> bool:
    digest = hashlib.sha256()
    for first in range(0, record.size_bytes, BLOCK_BYTES):
        length = min(BLOCK_BYTES, record.size_bytes - first)

        def read(first: int = first, length: int = length) -> bytes | None:
            block = remote.client.finish_block(
                name, remote.client.start_block(name, first, length), check
            )
            return None if block is None else block.data

        data = attempted(read, check)
        if data is None:
            raise RemoteStoreError(f"{name} in {remote.url} was removed", fix="verify again")
        digest.update(data)
        on_bytes(len(data))
    return digest.hexdigest() == record.sha256


def _orphans(stage: str, key: str, builder: str, objects: Sequence[ObjectInfo]) -> Orphans:
    return Orphans(
        stage=stage,
        key=key,
        builder=builder,
        objects=len(objects),
        size_bytes=sum(one.size_bytes for one in objects),
        modified=max(one.modified for one in objects).isoformat(timespec="seconds"),
    )
