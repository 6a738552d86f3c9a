"""The extract-wiki stage: a dump to documents and to XLM's lines, with every page accounted for."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from xlm.config.corpus import ExtractWikiSlice
from xlm.corpus.files import sole_file
from xlm.corpus.wikiextractor import Document, extract_documents
from xlm.corpus.wikipedia_pages import Page, PageReader
from xlm.errors import DataError, ToolError
from xlm.stage import Outcome, Work

_MISSING_LOG = "missing_pages.tsv"
_NAMED_MISSING = 3
_PROGRESS_EVERY = 1000


@dataclass
class _Ledger:
    """What became of the dump's pages."""

    articles: int = 0
    redirects: int = 0
    other_namespaces: int = 0
    closed: bool = True
    surrogate_streams: list[int] = field(default_factory=list)
    """Where the bzip2 streams begin that refer to a surrogate."""
    documents: int = 0
    lines: int = 0
    missing: int = 0
    first_missing: list[Page] = field(default_factory=list)
    """The first few, for the error line; all are in the log."""


def extract_wikipedia(work: Work[ExtractWikiSlice], download: Path) -> Outcome:
    """Write `documents.jsonl` and `text.txt` into `work.out`; lost pages are named in the logs.

    Raises:
        DataError: the dump is damaged or holds no article.
        ToolError: the program failed, or lost more pages than `missing_pages` allows.
    """
    dump = sole_file(download, "*.xml.bz2")
    pages_path = work.scratch / "pages.tsv"
    ledger = _list_pages(dump, pages_path)
    if ledger.articles == 0:
        raise DataError(
            f"{dump.name}: holds no article of {work.config.language}",
            fix="raise sources.wikipedia.head_bytes, or choose another date",
        )
    with extract_documents(
        dump,
        scratch=work.scratch,
        log=work.logs / "wikiextractor.log",
        close=not ledger.closed,
        surrogate_streams=ledger.surrogate_streams,
        templates=work.config.templates,
        processes=work.workers,
        timeout_seconds=work.config.timeout_seconds,
        on_poll=lambda written: work.progress.update(written, None, "bytes", "wikitext to text"),
    ) as extracted:
        _write(work, extracted.documents, _read_pages(pages_path), ledger)
    _check_missing(work, dump, ledger)
    return Outcome(
        counts={
            "articles": ledger.articles,
            "redirects": ledger.redirects,
            "other_namespaces": ledger.other_namespaces,
            "documents": ledger.documents,
            "missing_pages": ledger.missing,
            "lines": ledger.lines,
        },
        measured=extracted.process.measured(),
    )


def clean_lines(lines: Iterable[str]) -> list[str]:
    """XLM's clean-up (get-data-wiki.sh): no blank lines, no document tags."""
    return [
        line
        for line in lines
        if line.strip() and not line.startswith("<doc id=") and not line.endswith("</doc>")
    ]


def _list_pages(dump: Path, path: Path) -> _Ledger:
    """Count the pages of the dump, and write them down so that they are decompressed once."""
    ledger = _Ledger()
    reader = PageReader(dump)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for page in reader:
            ledger.articles += page.is_article
            ledger.redirects += page.redirect
            ledger.other_namespaces += page.namespace != 0 and not page.redirect
            title = " ".join(page.title.split("\n"))
            file.write(f"{page.id}\t{page.namespace}\t{int(page.redirect)}\t{title}\n")
    ledger.closed, ledger.surrogate_streams = reader.closed, reader.surrogate_streams
    return ledger


def _read_pages(path: Path) -> Iterator[Page]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            number, namespace, redirect, title = line.removesuffix("\n").split("\t", 3)
            yield Page(number, title, int(namespace), redirect == "1")


def _write(
    work: Work[ExtractWikiSlice],
    documents: Iterator[Document],
    pages: Iterator[Page],
    ledger: _Ledger,
) -> None:
    """Walk along documents and pages, both in the order of the dump; what is skipped is missing."""
    work.out.mkdir(parents=True, exist_ok=True)
    lost_path = work.logs / _MISSING_LOG
    lost_path.parent.mkdir(parents=True, exist_ok=True)
    with (
        lost_path.open("w", encoding="utf-8", newline="\n") as lost,
        (work.out / "documents.jsonl").open("w", encoding="utf-8", newline="\n") as records,
        (work.out / "text.txt").open("w", encoding="utf-8", newline="\n") as text,
    ):
        for document in documents:
            page = _find(document, pages, ledger, lost)
            if page.is_article:
                _write_document(work.config, document, page, records, text, ledger)
            if ledger.documents % _PROGRESS_EVERY == 0:
                work.progress.update(ledger.documents, ledger.articles, "pages", "write")
        for page in pages:
            _count_missing(page, ledger, lost)


def _find(document: Document, pages: Iterator[Page], ledger: _Ledger, lost: IO[str]) -> Page:
    for page in pages:
        if page.id == document.id:
            return page
        _count_missing(page, ledger, lost)
    raise ToolError(
        f"wikiextractor wrote a document with id {document.id}, which the dump does not hold there",
        fix="report the page; extract this language from another dump date meanwhile",
    )


def _write_document(
    config: ExtractWikiSlice,
    document: Document,
    page: Page,
    records: IO[str],
    text: IO[str],
    ledger: _Ledger,
) -> None:
    paragraphs = clean_lines(document.lines)
    title = page.title if config.titles == "plain" else document.title
    lines = clean_lines([title]) + paragraphs
    text.writelines(f"{line}\n" for line in lines)
    record = {
        "id": page.id,
        "title": page.title,
        "url": document.url,
        "text": "\n".join(paragraphs),
    }
    records.write(json.dumps(record, ensure_ascii=False) + "\n")
    ledger.documents += 1
    ledger.lines += len(lines)


def _count_missing(page: Page, ledger: _Ledger, lost: IO[str]) -> None:
    if page.is_article:
        ledger.missing += 1
        lost.write(f"{page.id}\t{page.title}\n")
        if len(ledger.first_missing) < _NAMED_MISSING:
            ledger.first_missing.append(page)


def _check_missing(work: Work[ExtractWikiSlice], dump: Path, ledger: _Ledger) -> None:
    if ledger.missing == 0:
        (work.logs / _MISSING_LOG).unlink()
    allowed = max(1, int(ledger.articles * work.config.missing_pages))
    if ledger.missing > allowed:
        named = ", ".join(f"{page.title!r} ({page.id})" for page in ledger.first_missing)
        raise ToolError(
            f"{dump.name}: wikiextractor lost {ledger.missing:,} of {ledger.articles:,} "
            f"articles ({allowed:,} allowed), the first: {named}",
            fix="see wikiextractor.log; run again, or raise extract.missing_pages",
        )
