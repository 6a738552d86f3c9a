"""Hashes the shards of a job before the first update; the processes share the work.

    digests = hash_shards([*job.mono.values(), *job.pairs.values()], group)

One process reads each file, and all processes get all digests. If a shard is damaged or cannot be
read, every process raises the same error.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import torch

from xlm.errors import DataError
from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import MANIFEST_NAME, listed_files, read_manifest
from xlm.training.launch.distributed import ProcessGroup

_DIGEST_BYTES: Final = 32
_INTACT: Final = 1
_DAMAGED: Final = 2
_UNREADABLE: Final = 3
_REASONS: Final = {
    _DAMAGED: "does not match its sha256 in the manifest",
    _UNREADABLE: "cannot be read",
}


def hash_shards(directories: Iterable[Path], group: ProcessGroup) -> dict[Path, str]:
    """The sha256 of every shard in some folders, compared with their manifests.

    A folder without a manifest, such as one that a user filled by hand, has nothing to compare.

    Raises:
        DataError: a shard is damaged or cannot be read; the message names it.
        StoreError: a manifest cannot be read.
    """
    shards: dict[Path, str | None] = {}
    for directory in sorted(directories):
        expected = {}
        if (directory / MANIFEST_NAME).exists():
            expected = {file.path: file.sha256 for file in read_manifest(directory).files}
        for path in listed_files(directory, "*.parquet"):
            shards[path] = expected.get(path.name)
    paths = list(shards)
    # A verdict and a digest for each shard. Rows of the shards of other processes are zeros.
    found = torch.zeros(len(paths), 1 + _DIGEST_BYTES, dtype=torch.int32)
    for number in range(group.rank, len(paths), group.world_size):
        found[number] = torch.tensor(_checked(paths[number], shards[paths[number]]))
    rows: list[list[int]] = group.sum(found.to(group.device)).tolist()
    for path, (verdict, *_) in zip(paths, rows, strict=True):
        if verdict != _INTACT:
            raise DataError(
                f"{path} {_REASONS[verdict]}",
                fix="run the same command again, which builds damaged shards first",
            )
    return {path: bytes(row[1:]).hex() for path, row in zip(paths, rows, strict=True)}


def _checked(path: Path, expected: str | None) -> list[int]:
    """The verdict on a shard, and the bytes of its digest."""
    try:
        digest = file_sha256(path)
    except OSError:
        return [_UNREADABLE, *bytes(_DIGEST_BYTES)]
    verdict = _INTACT if expected in (None, digest) else _DAMAGED
    return [verdict, *bytes.fromhex(digest)]
