"""Digest of the files of a segmenter: its identity in keys and on model cards."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from xlm.store.disk.hashing import cached_file_sha256

_SHOWN_DIGITS = 12


def files_digest(root: Path, files: Iterable[Path]) -> str:
    """Hash the contents of files and their names relative to `root`, 12 hex digits.

    The location of `root` does not count, so that one key holds on every machine.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0{cached_file_sha256(path)}\n".encode())
    return digest.hexdigest()[:_SHOWN_DIGITS]
