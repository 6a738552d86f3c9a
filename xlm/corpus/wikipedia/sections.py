"""Splits the XML of a dump into its header and its pages, with one page in memory at a time.

    for section in Sections(DumpFile.open(Path("swwiki.xml.bz2"))):
        section.kind, section.offset, section.content

A page belongs to the part of the file in which its `<page` begins, so every way to cut a dump into
parts gives the same pages. Of a page above `MAX_PAGE_BYTES` only the beginning is kept, and the
section is marked as cut: a hostile dump cannot fill memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from xlm.corpus.wikipedia.dump_file import WHOLE, DumpFile, Part
from xlm.corpus.wikipedia.markup.limits import MAX_PAGE_BYTES

_PAGE = re.compile(rb"<page[\s>]")
_PAGE_START = b"<page"
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
    """Position of its first byte in the XML of the part."""
    content: bytes
    size_bytes: int
    """Size in the dump; larger than `content` if the section is cut."""
    ended: bool = True
    """Whether a page has its closing tag, and whether a page follows what is between pages."""

    @property
    def cut(self) -> bool:
        """Whether `content` is only the beginning of the section."""
        return self.size_bytes > len(self.content)


class Sections:
    """The sections of a part of a dump, in order.

    The first section of a part that does not begin the file is its head: the end of a page that
    began before, or XML between two pages. Other parts may have read it.

    Raises:
        DataError: the file is truncated, not bzip2, or a decompression bomb.
    """

    def __init__(self, dump: DumpFile, part: Part = WHOLE) -> None:
        self._dump = dump
        self._part = part
        self.read_on = False
        """Whether the last section reaches beyond the part, up to the next page."""

    def __iter__(self) -> Iterator[Section]:
        splitter = _Splitter(has_head=self._part.start > 0)
        for chunk in self._dump.read(self._part):
            yield from splitter.feed(chunk)
        if self._part.end is not None:
            splitter.end_part()
            if splitter.is_open:
                for chunk in self._dump.read(Part(self._part.end)):
                    yield from splitter.feed(chunk)
                    if splitter.is_done:
                        break
                self.read_on = not splitter.is_in_head
        if not splitter.is_done:
            yield splitter.rest()


class _Splitter:
    """Finds the borders of sections in chunks of XML."""

    def __init__(self, *, has_head: bool) -> None:
        self.is_in_head = has_head
        """Whether no page has begun yet in a part that does not begin the file."""
        self.is_done = False
        """Whether the next page begins after the part."""
        self._buffer = bytearray()
        self._offset = self._searched = self._dropped = 0
        self._inside = False
        self._limit: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last section may not end where the XML so far ends."""
        if self.is_in_head:
            tail = bytes(self._buffer[-len(_PAGE_START) :])
            return any(tail.endswith(_PAGE_START[:n]) for n in range(1, len(_PAGE_START) + 1))
        return self._inside or bool(self._dropped or self._buffer.strip())

    def end_part(self) -> None:
        """Take no page that begins after the XML so far."""
        self._limit = self._offset + self._dropped + len(self._buffer)

    def feed(self, chunk: bytes) -> Iterator[Section]:
        """The sections that end in this chunk."""
        self._buffer += chunk
        while (end := self._border()) >= 0:
            position = self._offset + self._dropped + end
            if not self._inside and self._limit is not None and position >= self._limit:
                self.is_done = True
                yield self._taken(self._in_part(end), ended=not self.is_in_head)
                return
            yield self._taken(end, ended=True)
            self._inside = not self._inside
            self.is_in_head = False
        self._searched = len(self._buffer)
        limit_bytes = MAX_PAGE_BYTES if self._inside else _MAX_HEADER_BYTES
        if len(self._buffer) > limit_bytes or self._dropped:
            self._forget()

    def rest(self) -> Section:
        """The last section, which no border ends."""
        return self._taken(self._in_part(len(self._buffer)), ended=False)

    def _border(self) -> int:
        """Where the current section ends in the buffer; negative if it does not."""
        start = max(0, self._searched - _OVERLAP_BYTES)
        if self._inside:
            found = self._buffer.find(_PAGE_END, start)
            return found + len(_PAGE_END) if found >= 0 else -1
        match = _PAGE.search(self._buffer, start)
        return match.start() if match else -1

    def _in_part(self, end: int) -> int:
        """The head ends with the part: the parts that follow have their own."""
        if not self.is_in_head or self._limit is None:
            return end
        return min(end, self._limit - self._offset - self._dropped)

    def _taken(self, end: int, *, ended: bool) -> Section:
        cut = self._dropped or (self._inside and ended and end > MAX_PAGE_BYTES)
        section = Section(
            "page" if self._inside else "between",
            self._offset,
            bytes(self._buffer[: min(end, _CUT_BYTES) if cut else end]),
            end + self._dropped,
            ended,
        )
        self._offset += end + self._dropped
        del self._buffer[:end]
        self._searched = self._dropped = 0
        return section

    def _forget(self) -> None:
        """Keep the beginning, and an overlap: a closing tag may span two chunks."""
        excess = len(self._buffer) - _CUT_BYTES - _OVERLAP_BYTES
        if excess > 0:
            del self._buffer[_CUT_BYTES : _CUT_BYTES + excess]
            self._dropped += excess
            self._searched = len(self._buffer)
