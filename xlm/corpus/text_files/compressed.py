"""Opens a text file that may be packed with gzip, bzip2 or xz, whatever its name says.

with open_plain(path) as file:
    for line in file: ...          # bytes, unpacked
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from xlm.corpus.text_files.archives import DAMAGED_FIX, MAX_RATIO
from xlm.errors import DataError

_CHUNK_BYTES = 1 << 20
_FREE_BYTES = 64 << 20
"""Below this size no ratio is a danger."""
_HELD_BYTES = 1 << 17
"""The most that an unpacker of the standard library reads ahead."""
_PACKED: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
)
_OTHERS = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (0, b"\x04\x22\x4d\x18", "packed with lz4"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a rar archive"),
    (0, b"%PDF", "a PDF"),
    (257, b"ustar", "a tar archive"),
)
_START_BYTES = 512


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """The text of a file, unpacked if need be, as a buffered stream of bytes.

    Raises:
        DataError: from here or from the body, the file is packed in another way, is damaged, or
            grows beyond all measure.
    """
    with path.open("rb") as file:
        start = file.peek(_START_BYTES)[:_START_BYTES]
        _refuse_others(path, start)
        unpack = next((make for magic, make in _PACKED if start.startswith(magic)), None)
        if unpack is None:
            yield file
            return
        try:
            unpacked = io.BufferedReader(_Bounded(path, file, unpack(file)), _CHUNK_BYTES)
            _refuse_others(path, unpacked.peek(_START_BYTES))
            yield unpacked
        except (EOFError, zlib.error, lzma.LZMAError) as fault:
            raise _damaged(path, fault) from fault
        except OSError as fault:
            # The unpackers report bad data as an OSError without a number; a full disk has one.
            if fault.errno is not None:
                raise
            raise _damaged(path, fault) from fault


def _refuse_others(path: Path, start: bytes) -> None:
    for offset, magic, what in _OTHERS:
        if start.startswith(magic, offset):
            raise DataError(
                f"{path.name} is {what}, not text",
                fix="give plain text, or text packed with gzip, bzip2 or xz",
            )


class _Bounded(io.RawIOBase):
    """What an unpacker gives, as long as it is in proportion to what it took.

    The ratio is that of a window of `_FREE_BYTES`: a bomb after good data is one too.
    """

    def __init__(self, path: Path, packed: BinaryIO, unpacked: Any) -> None:
        self._path, self._packed, self._unpacked = path, packed, unpacked
        self._window_bytes = self._window_start = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._unpacked.read(len(buffer))
        buffer[: len(content)] = content
        self._window_bytes += len(content)
        if self._window_bytes > _FREE_BYTES:
            taken_bytes = self._packed.tell() - self._window_start
            if self._window_bytes > MAX_RATIO * taken_bytes:
                raise DataError(
                    f"{self._path.name}: grows more than {MAX_RATIO} times when unpacked",
                    fix="do not trust this file; get it from its real host",
                )
            # What the unpacker still holds was read in this window.
            self._window_start = self._packed.tell() - _HELD_BYTES
            self._window_bytes = 0
        return len(cast(bytes, content))


def _damaged(path: Path, fault: Exception) -> DataError:
    return DataError(
        f"{path.name}: damaged or cut short ({fault})",
        fix=DAMAGED_FIX,
    )
