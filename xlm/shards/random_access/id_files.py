"""The files of a flat copy: written once by one process, read piece by piece.

provide(reader, folder, "sw", ["sw.ids"], parts, most_bytes=4_000_000, options={})
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
"""How an id is stored."""

Parts = Iterator[Mapping[str, NDArray[Any]]]
"""What to append to each file, row group by row group."""

_FORMAT = 1


class IdFile:
    """A file of ids that is read in pieces, without a position and without a mapping.

    Mapped pages would count as this process's memory for as long as the kernel keeps them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, starts_B: NDArray[np.int64], lengths_B: NDArray[np.int64]) -> NDArray[np.int32]:
        """Each piece, one behind the other."""
        starts, sizes = (starts_B * ID.itemsize).tolist(), (lengths_B * ID.itemsize).tolist()
        pieces = map(os.pread, repeat(self._descriptor), sizes, starts)
        found = b"".join(pieces)
        if len(found) != sum(sizes):
            raise DataError(f"{self._path} was cut short", fix="remove it and start again")
        return np.frombuffer(found, dtype=ID).astype(np.int32, copy=False)


def provide(
    reader: ShardReader,
    folder: Path,
    name: str,
    files: Sequence[str],
    parts: Parts,
    *,
    most_bytes: int,
    options: Mapping[str, int],
) -> None:
    """Write the files of a flat copy, unless those there are whole and of the same shards.

    One process writes while others wait. The record comes last, so a kill leaves no half copy that
    looks whole.
    """
    record = folder / f"{name}.json"
    wanted = {"format": _FORMAT, "shards": reader.digest(), **options}
    try:
        with build_lock(folder, name):
            if _is_whole(folder, record, wanted):
                return
            # The record goes first: it must not stand beside files that it does not describe.
            for file in (record.name, *files):
                (folder / file).unlink(missing_ok=True)
            _require_room(folder, name, most_bytes)
            sizes = _write(folder, files, parts)
            content = json.dumps({**wanted, "sizes": sizes})
            write_atomically(record, content.encode() + b"\n")
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", fix="mend the disk or make room") from error


def _require_room(folder: Path, name: str, most_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if most_bytes > free_bytes:
        raise StoreError(
            f"{folder}: the ids of {name} need {most_bytes:,} bytes, free are {free_bytes:,}",
            fix="make room; 4 bytes a training token are needed while training runs",
        )


def _write(folder: Path, files: Sequence[str], parts: Parts) -> dict[str, int]:
    with ExitStack() as stack:
        streams = {file: stack.enter_context((folder / file).open("wb")) for file in files}
        for part in parts:
            for file, array in part.items():
                streams[file].write(array.data)
        for stream in streams.values():
            stream.flush()
            # Before the record: after a power cut a whole record must not stand beside zeros.
            os.fsync(stream.fileno())
        sizes = {file: stream.tell() for file, stream in streams.items()}
    sync_directory(folder)
    return sizes


def _is_whole(folder: Path, record: Path, wanted: Mapping[str, Any]) -> bool:
    try:
        found = json.loads(record.read_bytes())
        sizes = found.pop("sizes")
        return found == wanted and all(
            (folder / file).stat().st_size == size for file, size in sizes.items()
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
