"""Converts the pages of a part with our own cleaner."""

import re
from xml.sax.saxutils import unescape

from xlm.corpus.wikipedia.accounting import PageCounts
from xlm.corpus.wikipedia.documents import Document, DocumentWriter
from xlm.corpus.wikipedia.markup.entities import replace_surrogates
from xlm.corpus.wikipedia.markup.limits import (
    MIN_BYTES_PER_SECOND,
    NOT_UTF_8,
    TOO_LARGE,
    hostile_reason,
)
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.page_text import (
    decoded,
    revision_date,
    text_span,
    title_with_escapes,
)
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.parts.report import PartReport
from xlm.corpus.wikipedia.parts.settings import PartSettings
from xlm.corpus.wikipedia.parts.time_limit import PageClock, PageTooSlowError
from xlm.corpus.wikipedia.sections import Section
from xlm.corpus.wikipedia.wikitext.page import PageCleaner
from xlm.corpus.wikipedia.wikitext.site import Site

_NAMESPACE = re.compile(r"<namespace\s[^<>]*>([^<]+)</namespace>")
_BASE = re.compile(r"<base>\s*([^<]+?)[^/<]*</base>")
_ENTITIES = {"&quot;": '"', "&apos;": "'"}


class PageConverter:
    """Cleans one page after another and writes its document."""

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
        self._cleaner = PageCleaner(_site(settings))
        self._page_url = _page_url(settings.header)

    def extract(self, reader: PageReader) -> None:
        """Write the documents of all articles; record why an article has none."""
        with PageClock() as clock:
            for page, section in reader.sections():
                self._counts.count(page)
                if page.is_article:
                    self._convert(page, section, clock)

    def _convert(self, page: Page, section: Section, clock: PageClock) -> None:
        try:
            text, plain = _wikitext(section)
        except _DroppedError as dropped:
            self._report.drop(page, str(dropped))
            return
        if self._report.is_twin(page):
            self._report.lose(page)
            return
        limit_seconds = self._settings.page_seconds + section.size_bytes / MIN_BYTES_PER_SECOND
        try:
            with clock.limit(limit_seconds):
                document = self._document(page, section, text, plain)
            self._writer.write(document)
        except PageTooSlowError:
            self._report.drop(page, f"extraction took more than {limit_seconds:,.0f} s")
        except (OSError, MemoryError):
            raise  # not a fault of the page: on a full disk, earlier ones may be lost too
        except Exception as error:  # one page must not end the extraction of a language
            why = f"{type(error).__name__}: {error}"
            self._report.lose(page, " ".join(why.split())[:200])

    def _document(self, page: Page, section: Section, text: str, plain: str) -> Document:
        title = title_with_escapes(section.content, page)
        date = None if self._settings.dump_date else revision_date(section.content)
        lines = self._cleaner.lines(title, text, date, plain=plain)
        return Document(page, title, f"{self._page_url}{page.id}", lines)


class _DroppedError(Exception):
    """A rule drops the page; the message is the reason."""


def _wikitext(section: Section) -> tuple[str, str]:
    """The wikitext of a page, with the escapes of XML and without.

    Raises:
        _DroppedError: a rule drops the page.
    """
    if section.cut:
        raise _DroppedError(TOO_LARGE)
    content = replace_surrogates(section.content)
    span = text_span(content)
    if span is None:
        return "", ""
    try:
        text = content[slice(*span)].decode("utf-8")
    except UnicodeDecodeError:
        raise _DroppedError(NOT_UTF_8) from None
    plain = decoded(text)
    if reason := hostile_reason(plain):
        raise _DroppedError(reason)
    return text, plain


def _site(settings: PartSettings) -> Site:
    names = {unescape(name, _ENTITIES) for name in _NAMESPACE.findall(settings.header)}
    return Site(
        language=settings.language,
        dump_date=settings.dump_date,
        variant=settings.variant,
        namespaces=frozenset(names),
    )


def _page_url(header: str) -> str:
    """URL of a page of the wiki without its id."""
    base = _BASE.search(header)
    return f"{unescape(base[1], _ENTITIES).removesuffix('/') if base else ''}?curid="
