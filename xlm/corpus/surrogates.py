"""Character references to surrogates in wikitext, `&#xD800;`: no text can hold what they name.

    finder = SurrogateFinder()
    for start, chunk in read_bz2_streams(dump):
        finder.look(start, chunk)
    copy_mended(source, copy, finder.streams)

wikiextractor decodes them and then dies of its own output, with all pages behind; an HTML reader
sees U+FFFD, and so do we. Only the bzip2 streams that hold one are unpacked and packed again.
"""

import bz2
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_LONGEST_BYTES = 32
"""No reference that is looked for is longer."""
_AMPERSAND = b"&amp;#"
_REFERENCE = re.compile(rb"&amp;#(?:x([0-9A-Fa-f]{4,16})|([0-9]{5,16}));")
_REPLACEMENT = b"&amp;#xFFFD;"


class SurrogateFinder:
    """Remembers which streams of a dump hold a reference, by where they begin."""

    def __init__(self) -> None:
        self.streams: list[int] = []
        """First bytes of these streams in the file, ascending."""
        self._start = -1
        self._tail = b""

    def look(self, start: int, chunk: bytes) -> None:
        """Look through the next unpacked chunk of the stream that begins at byte `start`."""
        if start != self._start:
            self._start, self._tail = start, b""
        text = self._tail + chunk
        self._tail = text[-_LONGEST_BYTES:]
        if self.streams[-1:] != [start] and mended(text) != text:
            self.streams.append(start)


def mended(text: bytes) -> bytes:
    """XML text with U+FFFD in place of every surrogate."""
    return _REFERENCE.sub(_mended_reference, text) if _AMPERSAND in text else text


def copy_mended(source: BinaryIO, copy: BinaryIO, streams: Sequence[int]) -> None:
    """Copy a bzip2 file from where `source` stands; the streams that begin there are mended."""
    for start in streams:
        _copy(source, copy, start - source.tell())
        compressor = bz2.BZ2Compressor()
        for text in _mended_chunks(_unpacked_stream(source)):
            copy.write(compressor.compress(text))
        copy.write(compressor.flush())
    shutil.copyfileobj(source, copy, _CHUNK_BYTES)


def _mended_reference(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16) if match[1] else int(match[2])
    return _REPLACEMENT if 0xD800 <= value <= 0xDFFF else match[0]


def _copy(source: BinaryIO, copy: BinaryIO, left_bytes: int) -> None:
    while left_bytes > 0 and (chunk := source.read(min(left_bytes, _CHUNK_BYTES))):
        copy.write(chunk)
        left_bytes -= len(chunk)


def _unpacked_stream(source: BinaryIO) -> Iterator[bytes]:
    """The content of the stream at which `source` stands; it then stands behind it."""
    decoder = bz2.BZ2Decompressor()
    while not decoder.eof and (packed := source.read(_CHUNK_BYTES)):
        yield decoder.decompress(packed, _CHUNK_BYTES)
        while not (decoder.eof or decoder.needs_input):
            yield decoder.decompress(b"", _CHUNK_BYTES)
    source.seek(-len(decoder.unused_data), 1)


def _mended_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same text; what may begin a reference waits for the next chunk."""
    held = b""
    for chunk in chunks:
        text = mended(held + chunk)
        end = text.rfind(b"&", max(0, len(text) - _LONGEST_BYTES))
        end = len(text) if end < 0 else end
        held = text[end:]
        yield text[:end]
    yield held
