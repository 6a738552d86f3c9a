"""Splits the XML of a dump into its header and its pages, with one page in memory at a time.

    for section in read_sections(Path("swwiki.xml.bz2")):
        section.kind, section.offset, section.content

Of a page above `MAX_PAGE_BYTES` only the beginning is kept, and the section is marked as cut: a
hostile dump cannot fill memory.
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
_CUT_BYTES = 1 << 16
"""Kept of a page that is too large: enough for its title and id."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the dump's XML: one page, or everything between two pages."""

    kind: Literal["between", "page"]
    """`page` includes the page's tags; `between` is also before the first and after the last."""
    offset: int
    """Position of its first byte in the decompressed dump."""
    content: bytes
    size_bytes: int
    """Size in the dump; larger than `content` if the section is cut."""
    ended: bool = True
    """Whether a page has its closing tag."""

    @property
    def cut(self) -> bool:
        """Whether `content` is only the beginning of the section."""
        return self.size_bytes > len(self.content)


def read_sections(dump: Path) -> Iterator[Section]:
    """The sections of a bzip2 dump, in order.

    Raises:
        DataError: the file is truncated, not bzip2, or a decompression bomb.
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
            content = bytes(buffer[: min(end, _CUT_BYTES) if cut else end])
            yield Section("page" if inside else "between", offset, content, end + dropped)
            offset += end + dropped
            del buffer[:end]
            inside, searched, dropped = not inside, 0, 0
        searched = len(buffer)
        limit = MAX_PAGE_BYTES if inside else _MAX_HEADER_BYTES
        if len(buffer) > limit or dropped:
            # Keep the beginning, and an overlap: a closing tag may span two chunks.
            excess = len(buffer) - _CUT_BYTES - _OVERLAP_BYTES
            if excess > 0:
                del buffer[_CUT_BYTES : _CUT_BYTES + excess]
                dropped += excess
                searched = len(buffer)
    yield Section(
        "page" if inside else "between", offset, bytes(buffer), len(buffer) + dropped, ended=False
    )
