"""Reads bzip2 files from the network in chunks of bounded size."""

import bz2
from collections.abc import Iterator
from pathlib import Path

from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX, RatioWindow
from xlm.errors import DataError

_CHUNK_BYTES = 1 << 20
_PACKED_CHUNK_BYTES = 1 << 16


def read_bz2(path: Path) -> Iterator[bytes]:
    """The decompressed content of all streams of a file, in chunks of at most a MiB.

    Raises:
        DataError: the file is truncated, not bzip2, or a decompression bomb.
    """
    decoder = bz2.BZ2Decompressor()
    window = RatioWindow(path, _PACKED_CHUNK_BYTES)
    stream_start = packed_bytes = 0
    pending = b""
    with path.open("rb") as file:
        while pending or (pending := file.read(_PACKED_CHUNK_BYTES)):
            if decoder.eof:
                decoder, stream_start = bz2.BZ2Decompressor(), packed_bytes
            packed_bytes += len(pending)
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
            packed_bytes -= len(pending)
            window.add_packed(-len(pending))
    if packed_bytes == 0 or not decoder.eof:
        raise _damaged_stream(path, "truncated bzip2 file", stream_start)


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
