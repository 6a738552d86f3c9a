"""Groups the prepared pages of a dump into blocks, each a small dump for wikiextractor.

Blocks bound memory, disk space, and the delay that one hostile page can cause.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.corpus.wikipedia.markup.limits import TOO_LARGE
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.pages import CLOSING_TAG, PageReader
from xlm.corpus.wikipedia.parts.report import PartReport
from xlm.corpus.wikipedia.sections import Section
from xlm.corpus.wikipedia.wikiextractor.command import rename_template_namespace

BLOCK_BYTES = 16 << 20
"""Large enough that starting the program costs little."""


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
        """Split the block in two."""
        middle = len(self.entries) // 2
        return Block(self.header, self.entries[:middle]), Block(self.header, self.entries[middle:])

    def dropped(self, reason: str) -> "Block":
        """The same pages, all dropped for this reason."""
        entries = [
            Entry(entry.page, b"", entry.drop_reason or reason if entry.page.is_article else "")
            for entry in self.entries
        ]
        return Block(self.header, entries)


class BlockReader:
    """Groups the pages of a part into blocks of about `block_bytes` of XML."""

    def __init__(
        self,
        preparation: Preparation,
        report: PartReport,
        header: bytes,
        block_bytes: float = BLOCK_BYTES,
    ) -> None:
        self._preparation = preparation
        self._report = report
        self._header = header if preparation.templates else rename_template_namespace(header)
        self._block_bytes = block_bytes

    def read(self, reader: PageReader) -> Iterator[Block]:
        """The blocks, in order.

        Raises:
            DataError: the dump is damaged.
        """
        entries: list[Entry] = []
        size_bytes = 0
        for page, section in reader.sections():
            if size_bytes >= self._block_bytes:
                yield Block(self._header, entries)
                entries, size_bytes = [], 0
            entries.append(self._entry(page, section))
            size_bytes += len(entries[-1].content)
        if entries:
            yield Block(self._header, entries)

    def _entry(self, page: Page, section: Section) -> Entry:
        if not (page.is_article or self._preparation.templates):
            return Entry(page, b"")
        if section.cut:
            return Entry(page, b"", TOO_LARGE)
        prepared = self._preparation.page(section.content, article=page.is_article)
        if prepared.drop_reason:
            return Entry(page, b"", prepared.drop_reason)
        # The program drops such a page too, but does not know the blocks before.
        if page.is_article and self._report.is_twin(page):
            return Entry(page, b"")
        return Entry(page, prepared.content)
