"""Decompresses zstd files with any number of frames, also frames with long windows."""

from typing import BinaryIO

import zstandard

__all__ = ["ZstdError", "ZstdReader"]

ZstdError = zstandard.ZstdError

_PACKED_CHUNK_BYTES = 1 << 13
"""Bytes that are decompressed at once; a bomb unpacks to 32,000 times as much at most."""
_MAX_WINDOW_BYTES = 1 << 31
"""The largest window of the format (`zstd --long=31`)."""


class ZstdReader:
    """Reads the content of all frames of a file.

    The library's stream reader ends without an error if the file is truncated, so it is not used.
    """

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        self._frame = self._decompressor.decompressobj()
        self._frame_is_open = False
        self._content = memoryview(b"")

    def read(self, count: int) -> bytes:
        """Read at most `count` bytes; none at the end of the file.

        Raises:
            EOFError: the file is truncated.
            ZstdError: it is damaged.
        """
        while not self._content:
            chunk = self._packed.read(_PACKED_CHUNK_BYTES)
            if not chunk:
                if self._frame_is_open:
                    raise EOFError("truncated zstd file")
                return b""
            self._content = memoryview(b"".join(self._decompress(chunk)))
        content, self._content = self._content[:count], self._content[count:]
        return bytes(content)

    def _decompress(self, chunk: bytes) -> list[bytes]:
        contents = []
        while chunk:
            contents.append(self._frame.decompress(chunk))
            chunk = b""
            self._frame_is_open = not self._frame.eof
            if self._frame.eof:
                chunk = self._frame.unused_data
                self._frame = self._decompressor.decompressobj()
        return contents
