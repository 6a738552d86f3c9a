"""Extracts the pages of a part with wikiextractor, and accounts for every page."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

from xlm.corpus.wikipedia.accounting import PageCounts, Usage
from xlm.corpus.wikipedia.documents import Document, DocumentWriter
from xlm.corpus.wikipedia.markup.limits import MIN_BYTES_PER_SECOND
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.parts.report import PartReport
from xlm.corpus.wikipedia.parts.settings import PartSettings
from xlm.corpus.wikipedia.wikiextractor.blocks import BLOCK_BYTES, Block, BlockReader, Entry
from xlm.corpus.wikipedia.wikiextractor.command import (
    ProgramDocument,
    TooSlowError,
    extract_documents,
)
from xlm.errors import ToolError


class BlockExtractor:
    """Runs the program on one block after another and writes the documents."""

    def __init__(
        self,
        settings: PartSettings,
        writer: DocumentWriter,
        counts: PageCounts,
        report: PartReport,
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._counts = counts
        self._report = report
        self._scratch = Path(settings.scratch)
        self._log = Path(settings.log)

    def extract(self, reader: PageReader) -> None:
        """Write the documents of all articles; record why an article has none.

        Raises:
            DataError: the dump is damaged.
            ToolError: wikiextractor fails, or takes too long.
        """
        settings = self._settings
        preparation = Preparation(
            language=settings.language,
            dump_date=settings.dump_date,
            variant=settings.variant,
            templates=settings.templates,
        )
        # Any page may use any template, so with templates all pages are in one block.
        block_bytes = math.inf if settings.templates else BLOCK_BYTES
        blocks = BlockReader(preparation, self._report, settings.header.encode(), block_bytes)
        self._log.unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)  # of a worker that died
        self._scratch.mkdir(parents=True)
        try:
            for block in blocks.read(reader):
                for entry in block.entries:
                    self._counts.count(entry.page)
                self._extract_block(block)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        if self._log.exists() and self._log.stat().st_size == 0:
            self._log.unlink()

    def _extract_block(self, block: Block) -> None:
        """Extract a block; if it takes too long, find and drop the slow pages."""
        size_bytes = block.size_bytes
        if size_bytes == 0:
            self._write(iter(()), block)
            return
        settings = self._settings
        limit_seconds = settings.page_seconds + size_bytes / MIN_BYTES_PER_SECOND
        dump = self._scratch / "block.xml"
        block.write(dump)
        try:
            with extract_documents(
                Path(settings.program),
                dump,
                scratch=self._scratch,
                log=self._log,
                templates=settings.templates,
                processes=settings.processes,
                timeout_seconds=settings.timeout_seconds,
                block_seconds=math.inf if settings.templates else limit_seconds,
            ) as extracted:
                self._write(extracted.documents, block)
            used = extracted.process
            self._report.usage.add(Usage(used.cpu_seconds, used.peak_memory_bytes))
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
            self._extract_block(half)

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
            self._report.drop(entry.page, entry.drop_reason)
        else:
            self._report.lose(entry.page)
