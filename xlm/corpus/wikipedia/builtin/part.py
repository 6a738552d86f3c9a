"""Extracts one part of a dump in a worker process: reads, cleans and writes its pages."""

from dataclasses import dataclass
from typing import Literal

from xlm.corpus.wikipedia.accounting import LostPage, PageCounts
from xlm.corpus.wikipedia.builtin.report import PartReport
from xlm.corpus.wikipedia.builtin.time_limit import PageClock, PageTooSlowError
from xlm.corpus.wikipedia.documents import Document, DocumentWriter
from xlm.corpus.wikipedia.dump_file import DumpFile, Part
from xlm.corpus.wikipedia.markup.entities import replace_surrogates
from xlm.corpus.wikipedia.markup.limits import NOT_UTF_8, TOO_LARGE, hostile_reason
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.page_text import (
    decoded,
    revision_date,
    text_span,
    title_with_escapes,
)
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.sections import Section
from xlm.corpus.wikipedia.wikitext.page import PageCleaner
from xlm.corpus.wikipedia.wikitext.site import Site
from xlm.store.file_jobs import FileJob

MIN_BYTES_PER_SECOND = 50_000
"""A page may take `page_seconds`, and a second more for each so many bytes."""


@dataclass(frozen=True, kw_only=True)
class PartSettings:
    """Everything but the paths that determines the output of a part."""

    start: int
    end: int | None
    is_bzip2: bool
    encoding: Literal["utf-8", "utf-16"]
    language: str
    dump_date: str | None
    variant: str
    namespaces: tuple[str, ...]
    page_url: str
    """URL of a page without its id."""
    titles: Literal["plain", "original"]
    page_seconds: float
    previous_id: str = ""
    """The id of the last article before the part, if the first one of the part has it too."""

    @property
    def site(self) -> Site:
        """What the cleaner knows about the wiki."""
        return Site(
            language=self.language,
            dump_date=self.dump_date,
            variant=self.variant,
            namespaces=frozenset(self.namespaces),
        )


def extract_part(job: FileJob) -> dict[str, int]:
    """Write the text, the report and, if the job has a third target, the table of documents.

    Raises:
        DataError: the dump is damaged.
    """
    settings = PartSettings(**job.options)
    (path,), (text, report, *tables) = job.sources, job.targets
    dump = DumpFile(path, is_bzip2=settings.is_bzip2, encoding=settings.encoding)
    reader = PageReader(dump, Part(settings.start, settings.end))
    table = tables[0] if tables else None
    with (
        DocumentWriter(text, table, titles=settings.titles) as writer,
        PageClock() as clock,
    ):
        extractor = _PartExtractor(settings, writer, clock)
        for page, section in reader.sections():
            extractor.extract(page, section)
    extractor.report.finish(reader)
    extractor.report.write(report)
    return extractor.counts()


class _PartExtractor:
    """Extracts one page after another."""

    def __init__(self, settings: PartSettings, writer: DocumentWriter, clock: PageClock) -> None:
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._cleaner = PageCleaner(settings.site)
        self._counts = PageCounts()
        self.report = PartReport(last_id=settings.previous_id)

    def extract(self, page: Page, section: Section) -> None:
        """Write the document of an article; record why it has none."""
        self._counts.count(page)
        if not page.is_article:
            return
        try:
            text = _wikitext(section)
        except _DroppedError as dropped:
            self.report.dropped.append(LostPage.of(page, str(dropped)))
            return
        self.report.first_id = self.report.first_id or page.id
        is_twin, self.report.last_id = page.id == self.report.last_id, page.id
        if is_twin:
            self.report.missing.append(LostPage.of(page))
            return
        limit_seconds = self._settings.page_seconds + section.size_bytes / MIN_BYTES_PER_SECOND
        try:
            with self._clock.limit(limit_seconds):
                document = self._document(page, section, text)
            self._writer.write(document)
        except PageTooSlowError:
            reason = f"extraction took more than {limit_seconds:,.0f} s"
            self.report.dropped.append(LostPage.of(page, reason))
        except Exception as error:  # one page must not end the extraction of a language
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            self.report.missing.append(LostPage.of(page, reason))

    def counts(self) -> dict[str, int]:
        """The counts of the part."""
        self._counts.documents, self._counts.lines = self._writer.documents, self._writer.lines
        self._counts.missing_pages = len(self.report.missing)
        self._counts.dropped_pages = len(self.report.dropped)
        return dict(vars(self._counts))

    def _document(self, page: Page, section: Section, text: str) -> Document:
        title = title_with_escapes(section.content, page)
        date = None if self._settings.dump_date else revision_date(section.content)
        lines = self._cleaner.lines(title, text, date)
        return Document(page, title, f"{self._settings.page_url}{page.id}", lines)


class _DroppedError(Exception):
    """A rule drops the page; the message is the reason."""


def _wikitext(section: Section) -> str:
    """The wikitext of a page, with the escapes of XML.

    Raises:
        _DroppedError: a rule drops the page.
    """
    if section.cut:
        raise _DroppedError(TOO_LARGE)
    content = replace_surrogates(section.content)
    span = text_span(content)
    if span is None:
        return ""
    try:
        text = content[slice(*span)].decode("utf-8")
    except UnicodeDecodeError:
        raise _DroppedError(NOT_UTF_8) from None
    if reason := hostile_reason(decoded(text)):
        raise _DroppedError(reason)
    return text
