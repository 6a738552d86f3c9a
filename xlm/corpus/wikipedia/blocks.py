"""Gathers the prepared pages of a dump into blocks, each a small dump for the program.

A block bounds memory, disk and what one hostile page can delay. Blocks never part neighbours with
one id: the program drops the second of them, wherever blocks begin.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.pages import CLOSING_TAG, Page, PageReader
from xlm.corpus.wikipedia.wikiextractor import rename_template_namespace

_FIRST_BLOCK_SHARE = 1 / 8
"""The program waits for the first block; each further one has twice the size, up to the limit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of a block."""

    page: Page
    content: bytes
    """Its prepared XML; empty if the program does not get it."""
    refused: str = ""
    """Why an article is dropped."""


@dataclass(frozen=True)
class Block:
    """Pages in the order of the dump."""

    header: bytes
    entries: Sequence[Entry]

    @property
    def size_bytes(self) -> int:
        """Of the XML that the program gets."""
        return sum(len(entry.content) for entry in self.entries)

    def write(self, path: Path) -> None:
        """Write the small dump."""
        with path.open("wb") as file:
            file.write(self.header)
            for entry in self.entries:
                if entry.content:
                    file.write(entry.content + b"\n")
            file.write(CLOSING_TAG)

    def halves(self) -> "tuple[Block, Block]":
        """The block in two, neighbours with one id together where possible."""
        middle = len(self.entries) // 2
        cuts = [n for n in range(1, len(self.entries)) if not self._twins(n)] or [middle]
        cut = min(cuts, key=lambda n: abs(n - middle))
        return (
            Block(self.header, self.entries[:cut]),
            Block(self.header, self.entries[cut:]),
        )

    def without(self, reason: str) -> "Block":
        """The same pages as dropped ones: the program gets nothing."""
        dropped = [
            Entry(entry.page, b"", entry.refused or reason if entry.page.is_article else "")
            for entry in self.entries
        ]
        return Block(self.header, dropped)

    def _twins(self, place: int) -> bool:
        return self.entries[place - 1].page.id == self.entries[place].page.id


def read_blocks(
    reader: PageReader,
    preparation: Preparation,
    block_bytes: float,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Block]:
    """The dump in blocks of at most about `block_bytes` of XML; it ends when no page is wanted.

    Raises:
        DataError: the dump is damaged.
    """
    entries: list[Entry] = []
    size_bytes = 0
    limit_bytes = block_bytes * _FIRST_BLOCK_SHARE
    for page, frame in takewhile(lambda _: wanted(), reader.frames()):
        if size_bytes >= limit_bytes and entries[-1].page.id != page.id:
            yield Block(_header(reader, preparation), entries)
            entries, size_bytes = [], 0
            limit_bytes = min(2 * limit_bytes, block_bytes)
        entries.append(_entry(page, frame.content, frame.cut, preparation))
        size_bytes += len(entries[-1].content)
    if entries:
        yield Block(_header(reader, preparation), entries)


def _entry(page: Page, content: bytes, cut: bool, preparation: Preparation) -> Entry:
    if not (page.is_article or preparation.templates):
        return Entry(page, b"")
    if cut:
        return Entry(page, b"", "a page of more than 16 MiB")
    prepared = preparation.page(content, article=page.is_article)
    return Entry(page, b"" if prepared.refused else prepared.content, prepared.refused)


def _header(reader: PageReader, preparation: Preparation) -> bytes:
    header = reader.header
    return header if preparation.templates else rename_template_namespace(header)
