"""Lists the pages of a MediaWiki dump: what an extractor must account for.

    articles = [page for page in PageReader(Path("swwiki.xml.bz2")) if page.is_article]

Each page is parsed by itself: memory is bounded by one page, and an error names the page's place.
Document types and entities are refused, so that no dump can expand (billion laughs) or reach for
other files. A head of whole bzip2 streams ends between two pages, without `</mediawiki>`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from xlm.corpus.wikipedia.frames import Frame, read_frames
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
    "choose another date (sources.wikipedia.date); `xlm store verify` tells whether the "
    "file changed after its download"
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a dump."""

    id: str
    title: str
    namespace: int
    redirect: bool

    @property
    def is_article(self) -> bool:
        """Whether its text belongs to the corpus: namespace 0 and no redirect."""
        return self.namespace == 0 and not self.redirect


class PageReader:
    """Iterates over the pages of a bzip2 dump in its order; `closed` is known at the end.

    Raises:
        DataError: the dump is damaged, cut inside a page, no MediaWiki export, or holds entities.
    """

    def __init__(self, dump: Path) -> None:
        self._dump = dump
        self.header = b""
        """The XML up to the first page, once that was read."""
        self.closed = False
        """Whether the dump itself closes its root: a head of whole streams does not."""

    def __iter__(self) -> Iterator[Page]:
        return (page for page, _ in self.frames())

    def frames(self) -> Iterator[tuple[Page, Frame]]:
        """Each page with its XML."""
        pages = 0
        for frame in read_frames(self._dump):
            if frame.kind == "page":
                pages += 1
                yield self._page(frame), frame
            elif frame.offset == 0:
                self._read_header(frame)
            else:
                self._check_between(frame)

    def _read_header(self, frame: Frame) -> None:
        if frame.cut:
            raise self.damaged(frame, "has no page in its first bytes")
        parser = _Parser(self, frame)
        parser.feed(frame.content)
        if not parser.seen:
            raise self.damaged(frame, "is no MediaWiki export")
        self.closed = not parser.path
        if parser.path not in ([], ["mediawiki"]):
            raise self.damaged(frame, "ends inside its header")
        if self.closed and frame.ended:
            raise self.damaged(frame, "is no well-formed XML (pages follow its root)")
        self.header = frame.content

    def _check_between(self, frame: Frame) -> None:
        if not frame.content.strip() and not frame.cut:
            return
        if self.closed or frame.cut or not _CLOSING.fullmatch(frame.content):
            shown = frame.content.strip()[:_SHOWN_CHARACTERS]
            raise self.damaged(frame, f"is no well-formed XML ({shown!r} between pages)")
        self.closed = True

    def _page(self, frame: Frame) -> Page:
        if self.closed:
            raise self.damaged(frame, "is no well-formed XML (a page after its end)")
        parser = _Parser(self, frame)
        if frame.cut:
            # Its beginning must do; what follows is not read.
            parser.feed_beginning(frame.content)
        else:
            parser.feed(frame.content)
        if not frame.ended:
            raise self.damaged(frame, "ends inside a page")
        if parser.path and not frame.cut:
            raise self.damaged(frame, "has a page inside a page")
        return self._checked(frame, parser.values, parser.redirect)

    def _checked(self, frame: Frame, values: dict[str, str], redirect: bool) -> Page:
        number, namespace = _ID.fullmatch(values.get("id", "")), values.get("ns", "")
        space = _INTEGER.fullmatch(namespace)
        title = values.get("title")
        if number is None or space is None or title is None or len(title) > _MAX_TITLE_CHARACTERS:
            shown = {name: value[:_SHOWN_CHARACTERS] for name, value in values.items()}
            raise self.damaged(frame, f"has a page without title, ns or id of usual form ({shown})")
        return Page(number[1], title, int(space[1]), redirect)

    def refuse(self) -> NoReturn:
        """Refuse declarations.

        Raises:
            DataError: always.
        """
        raise DataError(
            f"{self._dump.name}: declares a document type or entities, which no dump does",
            fix="do not trust this file; get it from dumps.wikimedia.org",
        )

    def malformed(self, frame: Frame, fault: expat.ExpatError, position: int) -> DataError:
        """The error for XML that expat does not take, `position` bytes into the frame."""
        # Its line and column would be counted from the frame's first byte.
        reason = expat.ErrorString(fault.code)
        return self.damaged(frame, f"is no well-formed XML ({reason})", position)

    def damaged(self, frame: Frame, what: str, position: int = 0) -> DataError:
        """The error that names a place in a frame."""
        title = re.search(rb"<title>([^<]{1,300})</title>", frame.content[:2000])
        where = f"byte {frame.offset + position:,} of its XML"
        if frame.kind == "page" and title:
            shown = title[1].decode(errors="replace")[:_SHOWN_CHARACTERS]
            where += f", the page {' '.join(shown.split())!r}"
        return DataError(f"{self._dump.name}: {what}, at {where}", fix=_FIX)


class _Parser:
    """Reads the few values of one page, or the header."""

    def __init__(self, reader: PageReader, frame: Frame) -> None:
        self._reader = reader
        self._frame = frame
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
        """Parse bytes, to the end of the document if they hold it."""
        try:
            self._parser.Parse(content, False)
        except expat.ExpatError as fault:
            position = self._parser.ErrorByteIndex
            raise self._reader.malformed(self._frame, fault, position) from fault

    def feed_beginning(self, content: bytes) -> None:
        """Parse what has lost its end."""
        try:
            self._parser.Parse(content, False)
        except expat.ExpatError:
            # Cut inside a character, perhaps: what was read before counts, and is checked.
            return

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.path:
            expected = "page" if self._frame.kind == "page" else "mediawiki"
            if name != expected:
                raise self._reader.damaged(
                    self._frame,
                    f"is no MediaWiki export (its root is <{name[:_SHOWN_CHARACTERS]}>)",
                )
            self.seen = True
        self.path.append(name)
        self.redirect |= self.path == ["page", "redirect"]
        key = _WANTED.get((self.path[0], name)) if len(self.path) == 2 else None
        if key is not None:
            self.values[key] = ""
            # Set only where text is wanted: article text must not pass through Python.
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
