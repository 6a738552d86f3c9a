"""Digests of the files that a segmenter consists of: its identity in keys and on cards."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from xlm.store.disk.hashing import cached_file_sha256

_SHOWN_DIGITS = 12


def files_digest(root: Path, files: Iterable[Path]) -> str:
    """A digest of names below `root` and contents; where the folder lies does not count."""
    whole = hashlib.sha256()
    for path in sorted(files):
        name = path.relative_to(root).as_posix()
        whole.update(f"{name}\0{cached_file_sha256(path)}\n".encode())
    return whole.hexdigest()[:_SHOWN_DIGITS]
