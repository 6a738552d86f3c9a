"""Digests of the files that a segmenter consists of: its identity in keys and on cards."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_SHOWN_DIGITS = 12


def files_digest(root: Path, files: Iterable[Path]) -> str:
    """A digest of names below `root` and contents; where the folder lies does not count."""
    whole = hashlib.sha256()
    for path in sorted(files):
        status = path.stat()
        name = path.relative_to(root).as_posix()
        digest = _file_digest(path, status.st_size, status.st_mtime_ns)
        whole.update(f"{name}\0{digest}\n".encode())
    return whole.hexdigest()[:_SHOWN_DIGITS]


@cache
def _file_digest(path: Path, size_bytes: int, modified_ns: int) -> str:
    # Models have hundreds of megabytes, and every unit of a plan asks: once a process is enough.
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
