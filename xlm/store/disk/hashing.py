"""sha256 of files, for manifests, completion records, checkpoints and model identities."""

import hashlib
import os
from functools import cache
from pathlib import Path

from xlm.store.disk.filesystem import open_regular


def file_sha256(path: Path) -> str:
    """Hash a regular file, read once in bounded memory; returns 64 hex digits.

    Symbolic links are refused. Pass `path.resolve()` where a link is allowed.

    Raises:
        OSError: the file is missing, or is not a regular file.
    """
    with os.fdopen(open_regular(path), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cached_file_sha256(path: Path) -> str:
    """Hash a file once per process, and again only if its size or modification time changes.

    For models of several gigabytes, which a plan needs several times. Links are followed, because
    the files in the cache of the Hugging Face Hub are links.

    Raises:
        OSError: the file is missing, or is not a regular file.
    """
    status = path.stat()
    return _sha256_of_version(path.resolve(), status.st_size, status.st_mtime_ns)


@cache
def _sha256_of_version(path: Path, size_bytes: int, modified_ns: int) -> str:
    return file_sha256(path)
