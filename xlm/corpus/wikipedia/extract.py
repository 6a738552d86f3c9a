"""The extract-wiki stage: a dump to documents and to XLM's lines, with every page accounted for."""

import json
import math
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.wikipedia.blocks import Block, Entry, read_blocks
from xlm.corpus.wikipedia.markup.entities import plain_title
from xlm.corpus.wikipedia.markup.prepare import Preparation, date_in_name
from xlm.corpus.wikipedia.pages import Page, PageReader
from xlm.corpus.wikipedia.wikiextractor import (
    RUN_PREFIX,
    Document,
    TooSlowError,
    checked_program,
    extract_documents,
)
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError, ToolError
from xlm.processes.prefetch import Prefetcher

_MISSING_LOG = "missing_pages.tsv"
_DROPPED_LOG = "dropped_pages.tsv"
_NAMED_MISSING = 3
_BLOCK_BYTES = 16 << 20
"""A process's share of a block: the program's start costs little beside it."""
_MAX_BLOCK_BYTES = 64 << 20
_SLOWEST_BYTES_PER_SECOND = 50_000
"""A sixtieth of what one process does."""


@dataclass
class _Ledger:
    """What became of the dump's pages."""

    articles: int = 0
    redirects: int = 0
    other_namespaces: int = 0
    documents: int = 0
    lines: int = 0
    missing: int = 0
    dropped: int = 0
    first_missing: list[Page] = field(default_factory=list)
    """The first few, for the error line; all are in the log."""
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0

    def count(self, page: Page) -> None:
        """Take a page of the dump."""
        self.articles += page.is_article
        self.redirects += page.redirect
        self.other_namespaces += page.namespace != 0 and not page.redirect


def extract_wikipedia(context: StageContext[ExtractWikiSlice], download: Path) -> StageResult:
    """Write `documents.jsonl` and `text.txt` into `context.out`; lost pages are named in the logs.

    Raises:
        DataError: the dump is damaged or holds no article.
        ToolError: the program failed, or lost more pages than `missing_pages` allows.
    """
    dump = sole_file(download, "*.xml.bz2")
    for folder in (context.out, context.scratch, context.logs):
        folder.mkdir(parents=True, exist_ok=True)
    for leftover in context.scratch.glob(f"{RUN_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    ledger = _Ledger()
    with (
        (context.logs / _MISSING_LOG).open("w", encoding="utf-8", newline="\n") as missing,
        (context.logs / _DROPPED_LOG).open("w", encoding="utf-8", newline="\n") as dropped,
        (context.out / "documents.jsonl").open("w", encoding="utf-8", newline="\n") as records,
        (context.out / "text.txt").open("w", encoding="utf-8", newline="\n") as text,
    ):
        writer = _Writer(context, ledger, missing, dropped, records, text)
        left = threading.Event()
        blocks = _blocks(context.config, dump, context.workers, wanted=lambda: not left.is_set())
        # The next block is prepared while the program works on this one.
        with Prefetcher(blocks, stop=left.set) as prefetched:
            for block in prefetched:
                for entry in block.entries:
                    ledger.count(entry.page)
                writer.extract(block)
        ledger.cpu_seconds += prefetched.cpu_seconds
    if ledger.articles == 0:
        raise DataError(
            f"{dump.name}: holds no article of {context.config.language}",
            fix="raise sources.wikipedia.head_bytes, or choose another date",
        )
    _check_missing(context, dump, ledger)
    return _outcome(context, ledger)


def clean_lines(lines: Iterable[str]) -> list[str]:
    """XLM's clean-up (get-data-wiki.sh): no blank lines, no document tags."""
    return [
        line
        for line in lines
        if line.strip() and not line.startswith("<doc id=") and not line.endswith("</doc>")
    ]


def _blocks(
    config: ExtractWikiSlice, dump: Path, processes: int, wanted: Callable[[], bool]
) -> Iterator[Block]:
    preparation = Preparation(
        language=config.language,
        dump_date=date_in_name(dump.name),
        variant=config.variant,
        templates=config.templates,
    )
    block_bytes = min(_BLOCK_BYTES * processes, _MAX_BLOCK_BYTES)
    # A template may be called anywhere: all pages make one block.
    return read_blocks(
        PageReader(dump), preparation, math.inf if config.templates else block_bytes, wanted
    )


class _Writer:
    """Extracts block after block and writes what comes."""

    def __init__(
        self,
        context: StageContext[ExtractWikiSlice],
        ledger: _Ledger,
        missing: IO[str],
        dropped: IO[str],
        records: IO[str],
        text: IO[str],
    ) -> None:
        self._work = context
        self._ledger = ledger
        self._missing = missing
        self._dropped = dropped
        self._records = records
        self._text = text
        self._log = context.logs / "wikiextractor.log"
        self._program: Path | None = None
        self._deadline = time.monotonic() + context.config.timeout_seconds
        self._written_bytes = 0

    def extract(self, block: Block) -> None:
        """Extract a block; pages on which the program works too long are found and dropped."""
        size_bytes = block.size_bytes
        if size_bytes == 0:
            self._write(iter(()), block)
            return
        config = self._work.config
        limit_seconds = config.page_seconds + size_bytes / _SLOWEST_BYTES_PER_SECOND
        self._program = self._program or checked_program(self._log)
        given = self._work.scratch / "block.xml"
        block.write(given)
        try:
            with extract_documents(
                self._program,
                given,
                scratch=self._work.scratch,
                log=self._log,
                templates=config.templates,
                processes=self._work.workers,
                timeout_seconds=self._deadline - time.monotonic(),
                block_seconds=math.inf if config.templates else limit_seconds,
                on_poll=self._show,
            ) as extracted:
                self._write(extracted.documents, block)
            process = extracted.process
            self._ledger.cpu_seconds += process.cpu_seconds
            self._ledger.peak_memory_bytes = max(
                self._ledger.peak_memory_bytes, process.peak_memory_bytes
            )
        except TooSlowError:
            self._search(block, limit_seconds)
        finally:
            given.unlink(missing_ok=True)

    def _search(self, block: Block, limit_seconds: float) -> None:
        if len(block.entries) == 1:
            reason = f"extraction took more than {limit_seconds:,.0f} s"
            self._write(iter(()), block.without(reason))
            return
        for half in block.halves():
            self.extract(half)

    def _show(self, written_bytes: int) -> None:
        self._work.progress.update(
            self._written_bytes + written_bytes, None, "bytes", "wikitext to text"
        )

    def _write(self, documents: Iterator[Document], block: Block) -> None:
        """Walk along documents and pages, both in order; what is skipped is missing."""
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
            f"wikiextractor wrote a document with id {document.id}, which the dump does not hold "
            "there",
            fix="report the page; extract this language from another dump date meanwhile",
        )

    def _account(self, entry: Entry) -> None:
        page = entry.page
        if not page.is_article:
            return
        title = " ".join(page.title.split())
        if entry.refused:
            self._ledger.dropped += 1
            self._dropped.write(f"{page.id}\t{title}\t{entry.refused}\n")
            return
        self._ledger.missing += 1
        self._missing.write(f"{page.id}\t{title}\n")
        if len(self._ledger.first_missing) < _NAMED_MISSING:
            self._ledger.first_missing.append(page)

    def _write_document(self, document: Document, page: Page) -> None:
        paragraphs = clean_lines(document.lines)
        plain = self._work.config.titles == "plain"
        title = plain_title(page.title) if plain else document.title
        lines = clean_lines([" ".join(title.split("\n"))]) + paragraphs
        written = "".join(f"{line}\n" for line in lines)
        self._text.write(written)
        record = {
            "id": page.id,
            "title": plain_title(page.title),
            "url": document.url,
            "text": "\n".join(paragraphs),
        }
        self._records.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._ledger.documents += 1
        self._ledger.lines += len(lines)
        self._written_bytes += len(written)


def _outcome(context: StageContext[ExtractWikiSlice], ledger: _Ledger) -> StageResult:
    for name, count in ((_MISSING_LOG, ledger.missing), (_DROPPED_LOG, ledger.dropped)):
        if count == 0:
            (context.logs / name).unlink()
    return StageResult(
        counts={
            "articles": ledger.articles,
            "redirects": ledger.redirects,
            "other_namespaces": ledger.other_namespaces,
            "documents": ledger.documents,
            "missing_pages": ledger.missing,
            "dropped_pages": ledger.dropped,
            "lines": ledger.lines,
        },
        measured={
            "cpu_seconds": ledger.cpu_seconds,
            "peak_memory_bytes": ledger.peak_memory_bytes,
        },
    )


def _check_missing(context: StageContext[ExtractWikiSlice], dump: Path, ledger: _Ledger) -> None:
    allowed = max(1, int(ledger.articles * context.config.missing_pages))
    if ledger.missing > allowed:
        named = ", ".join(f"{page.title!r} ({page.id})" for page in ledger.first_missing)
        raise ToolError(
            f"{dump.name}: wikiextractor lost {ledger.missing:,} of {ledger.articles:,} "
            f"articles ({allowed:,} allowed), the first: {named}",
            fix="see wikiextractor.log; run again, or raise extract.missing_pages",
        )
