"""Groups the prepared pages of a dump into blocks, each a small dump for wikiextractor.

Blocks bound memory, disk space, and the delay that one hostile page can cause. Adjacent pages with
the same id stay in one block: wikiextractor drops the second, so the output does not depend on
where blocks begin.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from xlm.corpus.wikipedia.markup.limits import TOO_LARGE
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.pages import CLOSING_TAG, PageReader
from xlm.corpus.wikipedia.sections import Section
from xlm.corpus.wikipedia.wikiextractor.command import rename_template_namespace

_FIRST_BLOCK_SHARE = 1 / 8
"""wikiextractor waits for the first block, so it is small; each next block is twice as large."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of a block."""

    page: Page
    content: bytes
    """The prepared XML; empty if wikiextractor does not process the page."""
    drop_reason: str = ""
    """Why the article is dropped; empty if it is not."""


@dataclass(frozen=True)
class Block:
    """Consecutive pages of the dump."""

    header: bytes
    entries: Sequence[Entry]

    @property
    def size_bytes(self) -> int:
        """Size of the XML for wikiextractor."""
        return sum(len(entry.content) for entry in self.entries)

    def write(self, path: Path) -> None:
        """Write the block as a dump."""
        with path.open("wb") as file:
            file.write(self.header)
            for entry in self.entries:
                if entry.content:
                    file.write(entry.content + b"\n")
            file.write(CLOSING_TAG)

    def halves(self) -> "tuple[Block, Block]":
        """Split the block in two; adjacent pages with the same id stay together if possible."""
        middle = len(self.entries) // 2
        cuts = [n for n in range(1, len(self.entries)) if not self._same_id(n)] or [middle]
        cut = min(cuts, key=lambda n: abs(n - middle))
        return (
            Block(self.header, self.entries[:cut]),
            Block(self.header, self.entries[cut:]),
        )

    def dropped(self, reason: str) -> "Block":
        """The same pages, all dropped for this reason."""
        entries = [
            Entry(entry.page, b"", entry.drop_reason or reason if entry.page.is_article else "")
            for entry in self.entries
        ]
        return Block(self.header, entries)

    def _same_id(self, index: int) -> bool:
        return self.entries[index - 1].page.id == self.entries[index].page.id


def read_blocks(
    reader: PageReader,
    preparation: Preparation,
    block_bytes: float,
    keep_going: Callable[[], bool] = lambda: True,
) -> Iterator[Block]:
    """The dump in blocks of about `block_bytes` of XML.

    Args:
        keep_going: called before every page; iteration ends when it returns False.

    Raises:
        DataError: the dump is damaged.
    """
    entries: list[Entry] = []
    size_bytes = 0
    limit_bytes = block_bytes * _FIRST_BLOCK_SHARE
    for page, section in takewhile(lambda _: keep_going(), reader.sections()):
        if size_bytes >= limit_bytes and entries[-1].page.id != page.id:
            yield Block(_header(reader, preparation), entries)
            entries, size_bytes = [], 0
            limit_bytes = min(2 * limit_bytes, block_bytes)
        entries.append(_entry(page, section, preparation))
        size_bytes += len(entries[-1].content)
    if entries:
        yield Block(_header(reader, preparation), entries)


def _entry(page: Page, section: Section, preparation: Preparation) -> Entry:
    if not (page.is_article or preparation.templates):
        return Entry(page, b"")
    if section.cut:
        return Entry(page, b"", TOO_LARGE)
    prepared = preparation.page(section.content, article=page.is_article)
    content = b"" if prepared.drop_reason else prepared.content
    return Entry(page, content, prepared.drop_reason)


def _header(reader: PageReader, preparation: Preparation) -> bytes:
    header = reader.header
    return header if preparation.templates else rename_template_namespace(header)
