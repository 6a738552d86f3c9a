"""Reads the pages of a MediaWiki dump, so that the extraction can account for every page.

    dump = DumpFile.open(Path("swwiki.xml.bz2"))
    articles = [page for page in PageReader(dump) if page.is_article]

Each page is parsed separately: memory is bounded by one page, and an error contains the page's
position. Document types and entities are refused, so that a dump cannot expand (billion laughs) or
include other files. A head of complete bzip2 streams ends between two pages, without
`</mediawiki>`.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn
from xml.parsers import expat

from xlm.corpus.wikipedia.dump_file import WHOLE, DumpFile, Part
from xlm.corpus.wikipedia.page_head import Page, identify
from xlm.corpus.wikipedia.sections import Section, Sections
from xlm.errors import DataError

CLOSING_TAG = b"</mediawiki>\n"
_CLOSING = re.compile(rb"\s*</mediawiki\s*>\s*")
_WANTED = {("page", "title"): "title", ("page", "ns"): "ns", ("page", "id"): "id"}
_INTEGER = re.compile(r"\s*(-?[0-9]{1,9})\s*")
_ID = re.compile(r"\s*([0-9]{1,18})\s*")
_MAX_TITLE_CHARACTERS = 1024
"""MediaWiki stores at most 255 bytes."""
_SHOWN_CHARACTERS = 60
_FIX = (
    "choose another date (sources.wikipedia.date); `xlm store verify` reports whether the "
    "file changed after its download"
)


class PageReader:
    """Iterates over the pages of a dump in order; the attributes are complete at the end.

    A part of a dump has the pages that begin in it. What stands before the first page of a part
    that does not begin the file is kept in `head`, and is not checked.

    Raises:
        DataError: the dump is damaged, truncated inside a page, not a MediaWiki export, or declares
            entities.
    """

    def __init__(self, dump: DumpFile, part: Part = WHOLE) -> None:
        self._dump = dump
        self._part = part
        self._sections = Sections(dump, part)
        self.header = b""
        """The XML before the first page; empty until it is read."""
        self.head: Section | None = None
        """The XML before the first page of a part that does not begin the file."""
        self.closed = False
        """Whether the dump closes its root element; a head of complete streams does not."""
        self.pages = 0

    def __iter__(self) -> Iterator[Page]:
        return (page for page, _ in self.sections())

    @property
    def read_on(self) -> bool:
        """Whether it read what follows the part, up to the next page."""
        return self._sections.read_on

    def sections(self) -> Iterator[tuple[Page, Section]]:
        """Each page with its XML."""
        for section in self._sections:
            if section.kind == "page":
                self.pages += 1
                yield self._page(section), section
            elif section.offset > 0:
                self.check_between(section)
            elif self._part.start == 0:
                self._read_header(section)
            else:
                self.head = section

    def _read_header(self, section: Section) -> None:
        if section.cut:
            raise self.damaged(section, "has no page in its first bytes")
        parser = _Parser(self, section)
        parser.feed(section.content)
        if not parser.seen:
            raise self.damaged(section, "is not a MediaWiki export")
        self.closed = not parser.path
        if parser.path not in ([], ["mediawiki"]):
            raise self.damaged(section, "ends inside its header")
        if self.closed and section.ended:
            raise self.damaged(section, "is not well-formed XML (pages follow its root)")
        self.header = section.content

    def check_between(self, section: Section) -> None:
        """Check that only blanks or the end of the dump stand between two pages.

        Raises:
            DataError: something else does.
        """
        if not section.content.strip() and not section.cut:
            return
        if self.closed or section.cut or not _CLOSING.fullmatch(section.content):
            shown = section.content.strip()[:_SHOWN_CHARACTERS]
            raise self.damaged(section, f"is not well-formed XML ({shown!r} between pages)")
        self.closed = True

    def _page(self, section: Section) -> Page:
        if self.closed:
            raise self.damaged(section, "is not well-formed XML (a page after its end)")
        if not section.cut and (page := identify(section.content)):
            return page
        parser = _Parser(self, section)
        if section.cut:
            # Only the beginning was kept.
            parser.feed_beginning(section.content)
        else:
            parser.feed(section.content)
        if not section.ended:
            raise self.damaged(section, "ends inside a page")
        if parser.path and not section.cut:
            raise self.damaged(section, "has a page inside a page")
        return self._checked(section, parser.values, parser.redirect)

    def _checked(self, section: Section, values: dict[str, str], redirect: bool) -> Page:
        number, namespace = _ID.fullmatch(values.get("id", "")), values.get("ns", "")
        space = _INTEGER.fullmatch(namespace)
        title = values.get("title")
        if number is None or space is None or title is None or len(title) > _MAX_TITLE_CHARACTERS:
            shown = {name: value[:_SHOWN_CHARACTERS] for name, value in values.items()}
            raise self.damaged(section, f"has a page without a valid title, ns or id ({shown})")
        return Page(number[1], title, int(space[1]), redirect)

    def refuse(self) -> NoReturn:
        """Refuse a declaration of a document type or an entity.

        Raises:
            DataError: always.
        """
        raise DataError(
            f"{self._dump.path.name}: declares a document type or entities, which real dumps do "
            "not",
            fix="do not trust this file; download it from dumps.wikimedia.org",
        )

    def malformed(self, section: Section, fault: expat.ExpatError, position: int) -> DataError:
        """The error for XML that expat rejects, `position` bytes into the section."""
        # The line and column of expat count from the start of the section.
        reason = expat.ErrorString(fault.code)
        return self.damaged(section, f"is not well-formed XML ({reason})", position)

    def damaged(self, section: Section, what: str, position: int = 0) -> DataError:
        """The error for a position in a section, with the title of its page."""
        title = re.search(rb"<title>([^<]{1,300})</title>", section.content[:2000])
        position += section.offset
        # Only plain XML can be counted from the start of the file without reading all of it.
        if self._dump.is_bzip2 and self._part.start > 0:
            where = f"byte {position:,} of the XML of the streams from byte {self._part.start:,}"
        else:
            where = f"byte {self._part.start + position:,} of its XML"
        if section.kind == "page" and title:
            shown = title[1].decode(errors="replace")[:_SHOWN_CHARACTERS]
            where += f", the page {' '.join(shown.split())!r}"
        return DataError(f"{self._dump.path.name}: {what}, at {where}", fix=_FIX)


class _Parser:
    """Reads title, namespace and id of one page, or checks the header."""

    def __init__(self, reader: PageReader, section: Section) -> None:
        self._reader = reader
        self._section = section
        self.path: list[str] = []
        self.seen = False
        self.values: dict[str, str] = {}
        self.redirect = False
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse

    def feed(self, content: bytes) -> None:
        """Parse a complete section."""
        try:
            self._parser.Parse(content, False)
        except expat.ExpatError as fault:
            position = self._parser.ErrorByteIndex
            raise self._reader.malformed(self._section, fault, position) from fault

    def feed_beginning(self, content: bytes) -> None:
        """Parse a section that is cut."""
        try:
            self._parser.Parse(content, False)
        except expat.ExpatError:
            # It may be cut inside a character; the values before the cut are still checked.
            return

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.path:
            expected = "page" if self._section.kind == "page" else "mediawiki"
            if name != expected:
                raise self._reader.damaged(
                    self._section,
                    f"is not a MediaWiki export (its root is <{name[:_SHOWN_CHARACTERS]}>)",
                )
            self.seen = True
        self.path.append(name)
        self.redirect |= self.path == ["page", "redirect"]
        key = _WANTED.get((self.path[0], name)) if len(self.path) == 2 else None
        if key is not None:
            self.values[key] = ""
            # Set only for wanted elements: passing article text through Python would be slow.
            self._parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        key = self.path[-1]
        if len(self.path) == 2 and len(self.values[key]) <= _MAX_TITLE_CHARACTERS:
            self.values[key] += text[: _MAX_TITLE_CHARACTERS + 1]

    def _end(self, name: str) -> None:
        self._parser.CharacterDataHandler = None
        self.path.pop()

    def _refuse(self, *_: Any) -> NoReturn:
        self._reader.refuse()
