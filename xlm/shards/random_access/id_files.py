"""The files of a flat copy: written once by one process, read at any position.

write_once(reader, folder, "sw", ["sw.ids"], parts, max_bytes=4_000_000, options={})
IdFile(folder / "sw.ids").read(starts_B, lengths_B)
"""

import json
import os
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.errors import DataError, StoreError
from xlm.shards.reader import ShardReader
from xlm.store.disk.filesystem import sync_directory, write_atomically
from xlm.store.disk.locks import build_lock

ID = np.dtype("<i4")
"""Type of an id on disk."""

Parts = Iterator[Mapping[str, NDArray[Any]]]
"""Arrays to append, by file name, one row group at a time."""

_FORMAT = 1


class IdFile:
    """A file of ids, read with `pread`.

    It is not memory-mapped: mapped pages would count as memory of the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, starts_B: NDArray[np.int64], lengths_B: NDArray[np.int64]) -> NDArray[np.int32]:
        """Read spans of ids and concatenate them.

        Raises:
            DataError: the file is truncated.
        """
        starts, sizes = (starts_B * ID.itemsize).tolist(), (lengths_B * ID.itemsize).tolist()
        spans = map(os.pread, repeat(self._descriptor), sizes, starts)
        found = b"".join(spans)
        if len(found) != sum(sizes):
            raise DataError(f"{self._path} is truncated", fix="delete it and start the run again")
        return np.frombuffer(found, dtype=ID).astype(np.int32, copy=False)


def write_once(
    reader: ShardReader,
    folder: Path,
    name: str,
    files: Sequence[str],
    parts: Parts,
    *,
    max_bytes: int,
    options: Mapping[str, int],
) -> None:
    """Write the files of a flat copy, unless they are complete and of the same shards.

    One process writes while others wait. The record is written last, so that a killed process
    leaves no partial copy that looks complete.

    Args:
        reader: shards to copy; their digest is in the record.
        folder: folder of the copy.
        name: name of the record and of the lock.
        files: names of the files.
        parts: arrays to append to the files.
        max_bytes: upper bound of the size of the files.
        options: other values that the files depend on.

    Raises:
        DataError: the shards are damaged.
        StoreError: the disk has too little space, or writing failed.
    """
    record = folder / f"{name}.json"
    expected = {"format": _FORMAT, "shards": reader.digest(), **options}
    try:
        with build_lock(folder, name):
            if _is_complete(folder, record, expected):
                return
            # Delete the record first: it must never describe other files.
            for file in (record.name, *files):
                (folder / file).unlink(missing_ok=True)
            _require_space(folder, name, max_bytes)
            sizes = _write(folder, files, parts)
            content = json.dumps({**expected, "sizes": sizes})
            write_atomically(record, content.encode() + b"\n")
    except OSError as error:
        raise StoreError(
            f"{folder}: {error.strerror}", fix="repair the disk or free space"
        ) from error


def _require_space(folder: Path, name: str, max_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if max_bytes > free_bytes:
        raise StoreError(
            f"{folder}: the ids of {name} need {max_bytes:,} bytes, but {free_bytes:,} are free",
            fix="free space; training needs 4 bytes per training token while it runs",
        )


def _write(folder: Path, files: Sequence[str], parts: Parts) -> dict[str, int]:
    with ExitStack() as stack:
        streams = {file: stack.enter_context((folder / file).open("wb")) for file in files}
        for part in parts:
            for file, array in part.items():
                streams[file].write(array.data)
        for stream in streams.values():
            stream.flush()
            # Before the record: after a power cut, it must not describe files of zeros.
            os.fsync(stream.fileno())
        sizes = {file: stream.tell() for file, stream in streams.items()}
    sync_directory(folder)
    return sizes


def _is_complete(folder: Path, record: Path, expected: Mapping[str, Any]) -> bool:
    try:
        found = json.loads(record.read_bytes())
        sizes = found.pop("sizes")
        return found == expected and all(
            (folder / file).stat().st_size == size for file, size in sizes.items()
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
