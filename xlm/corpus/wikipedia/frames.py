"""Cuts the XML of a dump into its header and its pages, as bytes, one page at a time in memory.

    for frame in read_frames(Path("swwiki.xml.bz2")):
        frame.kind, frame.offset, frame.content

A page above `MAX_PAGE_BYTES` keeps only its beginning and is marked as cut: no title and no text
of a gigabyte enters memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.corpus.wikipedia.markup.limits import MAX_PAGE_BYTES

_PAGE = re.compile(rb"<page[\s>]")
_PAGE_END = b"</page>"
_MAX_HEADER_BYTES = 4 << 20
_OVERLAP_BYTES = 8
_KEPT_BYTES = 1 << 16
"""Of a page that is too large: enough for its title and id."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A stretch of the dump's XML."""

    kind: Literal["between", "page"]
    """A page with its tags, or what stands before, between and after pages."""
    offset: int
    """Its first byte in the decompressed dump."""
    content: bytes
    size_bytes: int
    """In the dump; more than `content` holds if that was cut."""
    ended: bool = True
    """Whether a page has its end."""

    @property
    def cut(self) -> bool:
        """Whether `content` is only the beginning."""
        return self.size_bytes > len(self.content)


def read_frames(dump: Path) -> Iterator[Frame]:
    """The stretches of a bzip2 dump in their order.

    Raises:
        DataError: the file is no whole bzip2 file, or unpacks beyond all measure.
    """
    buffer = bytearray()
    offset = searched = dropped = 0
    inside = False
    for chunk in read_bz2(dump):
        buffer += chunk
        while True:
            if inside:
                found = buffer.find(_PAGE_END, max(0, searched - _OVERLAP_BYTES))
                end = found + len(_PAGE_END) if found >= 0 else -1
            else:
                match = _PAGE.search(buffer, max(0, searched - _OVERLAP_BYTES))
                end = match.start() if match else -1
            if end < 0:
                break
            cut = dropped or (inside and end > MAX_PAGE_BYTES)
            content = bytes(buffer[: min(end, _KEPT_BYTES) if cut else end])
            yield Frame("page" if inside else "between", offset, content, end + dropped)
            offset += end + dropped
            del buffer[:end]
            inside, searched, dropped = not inside, 0, 0
        searched = len(buffer)
        limit = MAX_PAGE_BYTES if inside else _MAX_HEADER_BYTES
        if len(buffer) > limit or dropped:
            # The beginning and an overlap stay; a page's end may stand across two chunks.
            excess = len(buffer) - _KEPT_BYTES - _OVERLAP_BYTES
            if excess > 0:
                del buffer[_KEPT_BYTES : _KEPT_BYTES + excess]
                dropped += excess
                searched = len(buffer)
    yield Frame(
        "page" if inside else "between", offset, bytes(buffer), len(buffer) + dropped, ended=False
    )
