"""Opens a text file, plain or compressed with gzip, bzip2, xz or zstd; its name does not matter.

with open_plain(path) as file:
    for line in file: ...          # bytes, decompressed
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

from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX, RatioWindow
from xlm.corpus.text_files.zstd import ZstdError, ZstdReader
from xlm.errors import DataError

_CHUNK_BYTES = 1 << 20
_READ_AHEAD_BYTES = 1 << 17
"""The most that a decompressor reads ahead."""
_PADDING = b"\0"
_DECOMPRESSORS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", lambda file: _StreamsReader(file, bz2.BZ2Decompressor)),
    (b"\xfd7zXZ\0", lambda file: _StreamsReader(file, lzma.LZMADecompressor)),
    (b"\x28\xb5\x2f\xfd", ZstdReader),
    # pzstd begins with a frame that readers skip.
    (b"\x50\x2a\x4d\x18", ZstdReader),
)
_OTHER_FORMATS = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x04\x22\x4d\x18", "packed with lz4"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a rar archive"),
    (0, b"%PDF", "a PDF"),
    (0, b"PAR1", "a Parquet file"),
    (257, b"ustar", "a tar archive"),
)
_START_BYTES = 512


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open the text of a file as a buffered stream of bytes, decompressed if necessary.

    Raises:
        DataError: here or in the body of the `with`, if the file has another format, is damaged,
            or is a decompression bomb.
    """
    with path.open("rb") as file:
        start = file.peek(_START_BYTES)[:_START_BYTES]
        _refuse_other_formats(path, start)
        unpack = _decompressor(start)
        if unpack is None:
            yield file
            return
        try:
            unpacked = io.BufferedReader(_BoundedReader(path, file, unpack(file)), _CHUNK_BYTES)
            _refuse_other_formats(path, unpacked.peek(_START_BYTES))
            yield unpacked
        except (EOFError, zlib.error, lzma.LZMAError, ZstdError) as fault:
            raise _damaged(path, fault) from fault
        except OSError as fault:
            # The decompressors raise an OSError without errno for bad data; a full disk has one.
            if fault.errno is not None:
                raise
            raise _damaged(path, fault) from fault


def is_compressed(path: Path) -> bool:
    """Whether `open_plain` decompresses a file."""
    with path.open("rb") as file:
        return _decompressor(file.read(_START_BYTES)) is not None


def _decompressor(start: bytes) -> Callable[[BinaryIO], Any] | None:
    return next((make for magic, make in _DECOMPRESSORS if start.startswith(magic)), None)


def _refuse_other_formats(path: Path, start: bytes) -> None:
    for offset, magic, what in _OTHER_FORMATS:
        if start.startswith(magic, offset):
            raise DataError(
                f"{path.name} is {what}, not text",
                fix="use plain text, or text compressed with gzip, bzip2, xz or zstd",
            )


class _StreamsReader:
    """Reads compressed streams, one after another.

    `BZ2File` and `LZMAFile` ignore what follows a stream and is not another one, so that a damaged
    byte between two streams would hide the rest of the text.
    """

    def __init__(self, file: BinaryIO, make: Callable[[], Any]) -> None:
        self._file, self._make = file, make
        self._decompressor = make()

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            EOFError: the last stream is not complete.
            OSError: what follows a stream is not bzip2.
            LZMAError: what follows a stream is not xz.
        """
        while True:
            packed = b""
            if self._decompressor.eof:
                packed = self._next_stream()
                if not packed:
                    return b""
                self._decompressor = self._make()
            elif self._decompressor.needs_input:
                packed = self._file.read(_READ_AHEAD_BYTES)
                if not packed:
                    raise EOFError("the last stream is not complete")
            if data := self._decompressor.decompress(packed, size):
                return cast(bytes, data)

    def _next_stream(self) -> bytes:
        """The first bytes of the next stream; none if only padding is left."""
        packed: bytes = self._decompressor.unused_data.lstrip(_PADDING)
        while not packed and (more := self._file.read(_READ_AHEAD_BYTES)):
            packed = more.lstrip(_PADDING)
        return packed


class _BoundedReader(io.RawIOBase):
    """Reads from a decompressor and checks the compression ratio."""

    def __init__(self, path: Path, packed: BinaryIO, unpacked: Any) -> None:
        self._packed, self._unpacked = packed, unpacked
        self._window = RatioWindow(path, _READ_AHEAD_BYTES)
        self._packed_position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._unpacked.read(len(buffer))
        buffer[: len(content)] = content
        position = self._packed.tell()
        self._window.add_packed(position - self._packed_position)
        self._packed_position = position
        self._window.add_unpacked(len(content))
        return len(cast(bytes, content))


def _damaged(path: Path, fault: Exception) -> DataError:
    return DataError(
        f"{path.name}: damaged or truncated ({fault})",
        fix=DAMAGED_FIX,
    )
