"""Digests of files that were computed when the files were written, for completion records.

    known = FileDigest.of(path)                     # hashes the file
    known = FileDigest.of(path, sha256="9f86...")   # hashed while its bytes were written
    known.is_of(entry.stat())                       # still the same file: no need to read it

A file counts as the same while its inode, size and times stay the same, as in
`xlm.engine.building.inputs`.
"""

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from xlm.store.disk.hashing import file_sha256


class FileDigest(BaseModel):
    """The size and digest of a file, and the status that it had."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    path: str
    size_bytes: int
    sha256: str
    status: tuple[int, int, int] | None = None
    """Inode, modification time and change time (nanoseconds); None in records of old versions."""

    @classmethod
    def of(cls, path: Path, sha256: str | None = None) -> Self:
        """The digest of a file, which is read unless its digest is given.

        Raises:
            OSError: the file is missing, or is not a regular file.
        """
        # Before it is read here: a file that changes meanwhile has another status afterwards.
        status = path.lstat()
        return cls(
            path=str(path),
            size_bytes=status.st_size,
            sha256=file_sha256(path) if sha256 is None else sha256,
            status=_identity(status),
        )

    def is_of(self, status: os.stat_result) -> bool:
        """Whether a file with this status is the one that was hashed."""
        return status.st_size == self.size_bytes and self.status == _identity(status)

    def matches(self) -> bool:
        """Whether the file has these bytes now; reads it."""
        path = Path(self.path)
        try:
            return path.lstat().st_size == self.size_bytes and file_sha256(path) == self.sha256
        except (OSError, ValueError):
            return False


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns
