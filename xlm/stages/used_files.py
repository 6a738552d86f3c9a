"""Files of the user that a stage runs with, such as the model of a segmenter."""

from collections.abc import Iterable
from pathlib import Path

from xlm.engine.stage import Source
from xlm.store.disk.hashing import cached_file_sha256


def used_files(files: Iterable[Path], purpose: str) -> tuple[Source, ...]:
    """Name files with their whole sha256 in a manifest; keys contain only its first digits.

    Raises:
        OSError: a file is missing.
    """
    return tuple(
        Source(
            url="",
            licence="",
            name=f"{path.name} of {purpose}",
            size_bytes=path.stat().st_size,
            sha256=cached_file_sha256(path),
        )
        for path in files
    )
