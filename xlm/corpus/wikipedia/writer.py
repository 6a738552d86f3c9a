"""Extracts blocks with wikiextractor, writes their documents, and accounts for every page."""

import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.blocks import Block, Entry
from xlm.corpus.wikipedia.markup.entities import unescape_title
from xlm.corpus.wikipedia.pages import Page
from xlm.corpus.wikipedia.wikiextractor import (
    Document,
    TooSlowError,
    checked_program,
    extract_documents,
)
from xlm.engine.stage import StageContext
from xlm.errors import ToolError

_MAX_NAMED_PAGES = 3
_MIN_BYTES_PER_SECOND = 50_000
"""A sixtieth of the usual speed of one process."""


@dataclass
class PageCounts:
    """How many pages of the dump were written, skipped and lost."""

    articles: int = 0
    redirects: int = 0
    other_namespaces: int = 0
    documents: int = 0
    lines: int = 0
    missing: int = 0
    dropped: int = 0
    first_missing: list[Page] = field(default_factory=list)
    """The first few, for the error message; the log has all of them."""
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0

    def count(self, page: Page) -> None:
        """Count a page of the dump."""
        self.articles += page.is_article
        self.redirects += page.redirect
        self.other_namespaces += page.namespace != 0 and not page.redirect


@dataclass
class OutputFiles:
    """The open files of the stage."""

    missing: IO[str]
    """Log of articles that wikiextractor lost: id, title."""
    dropped: IO[str]
    """Log of articles that were dropped: id, title, reason."""
    records: IO[str]
    """Documents as JSON lines: id, title, url, text."""
    text: IO[str]
    """The lines of all documents."""


class DocumentWriter:
    """Extracts one block after another and writes the documents."""

    def __init__(
        self, context: StageContext[ExtractWikiSlice], counts: PageCounts, files: OutputFiles
    ) -> None:
        self._context = context
        self._counts = counts
        self._files = files
        self._log = context.logs / "wikiextractor.log"
        self._program: Path | None = None
        self._deadline = time.monotonic() + context.config.timeout_seconds
        self._written_bytes = 0

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
            self._counts.cpu_seconds += process.cpu_seconds
            self._counts.peak_memory_bytes = max(
                self._counts.peak_memory_bytes, process.peak_memory_bytes
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
            self._written_bytes + written_bytes, None, "bytes", "wikitext to text"
        )

    def _write(self, documents: Iterator[Document], block: Block) -> None:
        """Match documents with pages, both in order; a page without a document is missing."""
        entries = iter(block.entries)
        for document in documents:
            page = self._find(document, entries)
            if page.is_article:
                self._write_document(document, page)
        for entry in entries:
            self._account(entry)

    def _find(self, document: Document, entries: Iterator[Entry]) -> Page:
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
        page = entry.page
        if not page.is_article:
            return
        title = " ".join(page.title.split())
        if entry.drop_reason:
            self._counts.dropped += 1
            self._files.dropped.write(f"{page.id}\t{title}\t{entry.drop_reason}\n")
            return
        self._counts.missing += 1
        self._files.missing.write(f"{page.id}\t{title}\n")
        if len(self._counts.first_missing) < _MAX_NAMED_PAGES:
            self._counts.first_missing.append(page)

    def _write_document(self, document: Document, page: Page) -> None:
        paragraphs = clean_lines(document.lines)
        is_plain = self._context.config.titles == "plain"
        title = unescape_title(page.title) if is_plain else document.title
        lines = clean_lines([" ".join(title.split("\n"))]) + paragraphs
        written = "".join(f"{line}\n" for line in lines)
        self._files.text.write(written)
        record = {
            "id": page.id,
            "title": unescape_title(page.title),
            "url": document.url,
            "text": "\n".join(paragraphs),
        }
        self._files.records.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._counts.documents += 1
        self._counts.lines += len(lines)
        self._written_bytes += len(written)


def clean_lines(lines: Iterable[str]) -> list[str]:
    """Clean up as XLM does (get-data-wiki.sh): remove blank lines and document tags."""
    return [
        line
        for line in lines
        if line.strip() and not line.startswith("<doc id=") and not line.endswith("</doc>")
    ]
