"""Reads bzip2 files from the network in chunks of bounded size."""

import bz2
from collections.abc import Iterator
from pathlib import Path

from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX, RatioWindow
from xlm.errors import DataError

_CHUNK_BYTES = 1 << 20
_PACKED_CHUNK_BYTES = 1 << 16


def read_bz2(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The decompressed content of all streams of a file, in chunks of at most a MiB.

    Args:
        start: the byte of the file at which the first stream to read begins.
        end: the byte at which the last of them ends; None reads to the end of the file.

    Raises:
        DataError: the file is truncated, not bzip2, or a decompression bomb, or no stream ends at
            `end`.
    """
    decoder = bz2.BZ2Decompressor()
    window = RatioWindow(path, _PACKED_CHUNK_BYTES)
    stream_start = position = start
    pending = b""
    with path.open("rb") as file:
        file.seek(start)
        while pending or (pending := file.read(_next_bytes(file.tell(), end))):
            if decoder.eof:
                decoder, stream_start = bz2.BZ2Decompressor(), position
            position += len(pending)
            window.add_packed(len(pending))
            chunk = _decompress(decoder, pending, path, stream_start)
            while True:
                window.add_unpacked(len(chunk))
                if chunk:
                    yield chunk
                if decoder.eof or decoder.needs_input:
                    break
                chunk = _decompress(decoder, b"", path, stream_start)
            pending = decoder.unused_data
            position -= len(pending)
            window.add_packed(-len(pending))
    if not decoder.eof and end is not None:
        what = f"a bzip2 stream does not end at byte {end:,}, where another one begins"
        raise _damaged_stream(path, what, stream_start)
    if position == start or not decoder.eof:
        raise _damaged_stream(path, "truncated bzip2 file", stream_start)


def _next_bytes(position: int, end: int | None) -> int:
    return _PACKED_CHUNK_BYTES if end is None else min(_PACKED_CHUNK_BYTES, end - position)


def _decompress(decoder: bz2.BZ2Decompressor, data: bytes, path: Path, start: int) -> bytes:
    try:
        return decoder.decompress(data, _CHUNK_BYTES)
    except (OSError, ValueError) as fault:
        raise _damaged_stream(path, f"not bzip2 data ({fault})", start) from fault


def _damaged_stream(path: Path, what: str, start: int) -> DataError:
    return DataError(
        f"{path.name}: {what}",
        fix=f"the damaged stream begins at byte {start:,}; {DAMAGED_FIX}",
    )
