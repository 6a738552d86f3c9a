"""sha256 of files, for manifests, completion records, checkpoints and model identities."""

import hashlib
import logging
import os
import time
from pathlib import Path

from xlm.store.disk.digest_file import DigestFile
from xlm.store.disk.filesystem import open_regular

log = logging.getLogger(__name__)

_LONG_BYTES = 2_000_000_000
"""Reading a larger file takes so long that it is reported."""


def file_sha256(path: Path) -> str:
    """Hash a regular file, read once in bounded memory; returns 64 hex digits.

    Symbolic links are refused. Pass `path.resolve()` where a link is allowed.

    Raises:
        OSError: the file is missing, or is not a regular file.
    """
    with os.fdopen(open_regular(path), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cached_file_sha256(path: Path) -> str:
    """Hash a file, and again only if its inode, size or times change.

    For models and corpora of many gigabytes, which a plan needs several times. `keep_digests` keeps
    the digests of large files for later processes. Links are followed, because the files in the
    cache of the Hugging Face Hub are links.

    Raises:
        OSError: the file is missing, or is not a regular file.
    """
    path = path.resolve()
    status = path.stat()
    identity = (
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
    )  # fmt: skip
    if identity not in _digests:
        _digests[identity] = _find_or_hash(path, status)
    return _digests[identity]


def keep_digests(path: Path) -> None:
    """Keep the digests of large files in this file, for later processes."""
    _kept_in[:] = [DigestFile(path)]


_digests: dict[tuple[int, ...], str] = {}
"""Digests that this process has computed or read, by the identity of the file."""
_kept_in: list[DigestFile] = []
"""The file of digests, if there is one."""


def _find_or_hash(path: Path, status: os.stat_result) -> str:
    for file in _kept_in:
        if (known := file.find(status)) is not None:
            return known
    began_ns = time.time_ns()
    if status.st_size >= _LONG_BYTES:
        log.warning("reading %s, %.1f GB, once, for its digest", path, status.st_size / 1e9)
    digest = file_sha256(path)
    for file in _kept_in:
        file.add(status, digest, began_ns)
    return digest
