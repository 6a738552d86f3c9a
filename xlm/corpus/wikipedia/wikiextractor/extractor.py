"""Extracts blocks with wikiextractor, writes their documents, and accounts for every page."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.accounting import LostPage, LostPages, PageCounts, Usage
from xlm.corpus.wikipedia.documents import Document, DocumentWriter
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.wikiextractor.blocks import Block, Entry
from xlm.corpus.wikipedia.wikiextractor.command import (
    ProgramDocument,
    TooSlowError,
    checked_program,
    extract_documents,
)
from xlm.engine.stage import StageContext
from xlm.errors import ToolError

_MIN_BYTES_PER_SECOND = 50_000
"""A sixtieth of the usual speed of one process."""


class BlockExtractor:
    """Extracts one block after another and writes the documents."""

    def __init__(
        self,
        context: StageContext[ExtractWikiSlice],
        counts: PageCounts,
        writer: DocumentWriter,
        lost: LostPages,
        usage: Usage,
    ) -> None:
        self._context = context
        self._counts = counts
        self._writer = writer
        self._lost = lost
        self._usage = usage
        self._log = context.logs / "wikiextractor.log"
        self._program: Path | None = None
        self._deadline = time.monotonic() + context.config.timeout_seconds

    def extract(self, block: Block) -> None:
        """Extract a block; if it takes too long, find and drop the slow pages.

        Raises:
            ToolError: wikiextractor fails, or the extraction takes too long.
        """
        size_bytes = block.size_bytes
        if size_bytes == 0:
            self._write(iter(()), block)
            return
        config = self._context.config
        limit_seconds = config.page_seconds + size_bytes / _MIN_BYTES_PER_SECOND
        self._program = self._program or checked_program(self._log)
        dump = self._context.scratch / "block.xml"
        block.write(dump)
        try:
            with extract_documents(
                self._program,
                dump,
                scratch=self._context.scratch,
                log=self._log,
                templates=config.templates,
                processes=self._context.workers,
                timeout_seconds=self._deadline - time.monotonic(),
                block_seconds=math.inf if config.templates else limit_seconds,
                on_poll=self._report,
            ) as extracted:
                self._write(extracted.documents, block)
            process = extracted.process
            self._usage.cpu_seconds += process.cpu_seconds
            self._usage.peak_memory_bytes = max(
                self._usage.peak_memory_bytes, process.peak_memory_bytes
            )
        except TooSlowError:
            self._bisect(block, limit_seconds)
        finally:
            dump.unlink(missing_ok=True)

    def _bisect(self, block: Block, limit_seconds: float) -> None:
        """Extract the halves of a slow block; drop the page if there is only one."""
        if len(block.entries) == 1:
            reason = f"extraction took more than {limit_seconds:,.0f} s"
            self._write(iter(()), block.dropped(reason))
            return
        for half in block.halves():
            self.extract(half)

    def _report(self, written_bytes: int) -> None:
        self._context.progress.update(
            self._writer.written_characters + written_bytes, None, "bytes", "wikitext to text"
        )

    def _write(self, documents: Iterator[ProgramDocument], block: Block) -> None:
        """Match documents with pages, both in order; a page without a document is missing."""
        entries = iter(block.entries)
        for document in documents:
            page = self._find(document, entries)
            if page.is_article:
                self._writer.write(Document(page, document.title, document.url, document.lines))
        for entry in entries:
            self._account(entry)

    def _find(self, document: ProgramDocument, entries: Iterator[Entry]) -> Page:
        for entry in entries:
            if entry.page.id == document.id and entry.content:
                return entry.page
            self._account(entry)
        raise ToolError(
            f"wikiextractor wrote a document with id {document.id}, which is not in this part of "
            "the dump",
            fix="report this page; use another dump date (sources.wikipedia.date)",
        )

    def _account(self, entry: Entry) -> None:
        """Record a page without a document as dropped or missing."""
        if not entry.page.is_article:
            return
        if entry.drop_reason:
            self._counts.dropped_pages += 1
            self._lost.dropped(LostPage.of(entry.page, entry.drop_reason))
            return
        self._counts.missing_pages += 1
        self._lost.missing(LostPage.of(entry.page))
