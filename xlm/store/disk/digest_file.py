"""Keeps the digests of large files between processes, so that a plan does not read them again.

An entry holds as long as device, inode, size and both times of the file stay the same. The file of
entries may be deleted at any time.
"""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

from xlm.store.disk.filesystem import read_small, write_atomically

MIN_BYTES = 16 << 20
"""Smaller files are read again: that takes a moment."""
_SETTLED_NS = 2_000_000_000
"""A file that changed within this time before it was read may change again at the same time."""
_MAX_ENTRIES = 20_000


class DigestFile:
    """The digests that a JSON file keeps, by the identity of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def find(self, status: os.stat_result) -> str | None:
        """The digest of a file with this status, or None."""
        if status.st_size < MIN_BYTES:
            return None
        with self._lock:
            return self._read().get(_identity(status))

    def add(self, status: os.stat_result, sha256: str, read_ns: int) -> None:
        """Keep the digest of a large file.

        Args:
            status: the status before the file was read.
            read_ns: when reading began, nanoseconds since the epoch.
        """
        changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
        if status.st_size < MIN_BYTES or changed_ns > read_ns - _SETTLED_NS:
            return
        with self._lock, suppress(OSError):
            entries = {**self._read(), _identity(status): sha256}
            newest = dict(list(entries.items())[-_MAX_ENTRIES:])
            write_atomically(self._path, json.dumps(newest).encode())

    def _read(self) -> dict[str, str]:
        try:
            entries = json.loads(read_small(self._path))
        except (OSError, ValueError):
            return {}
        valid = isinstance(entries, dict)
        return {str(key): str(value) for key, value in entries.items()} if valid else {}


def _identity(status: os.stat_result) -> str:
    times = f"{status.st_mtime_ns}.{status.st_ctime_ns}"
    return f"{status.st_dev}.{status.st_ino}.{status.st_size}.{times}"
