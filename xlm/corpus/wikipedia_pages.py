"""Lists the pages of a MediaWiki dump without their text: what an extractor must account for.

    articles = [page for page in PageReader(Path("swwiki.xml.bz2")) if page.is_article]

A streaming parser: memory does not grow with the dump. Document types and entities are refused, so
that no dump can expand (billion laughs) or reach for other files. A head of whole bzip2 streams
ends between two pages, without `</mediawiki>`: it is closed here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from xlm.corpus.archives import read_bz2_streams
from xlm.corpus.surrogates import SurrogateFinder
from xlm.errors import DataError

CLOSING_TAG = b"</mediawiki>\n"
_WANTED = {
    ("mediawiki", "page", "title"): "title",
    ("mediawiki", "page", "ns"): "namespace",
    ("mediawiki", "page", "id"): "id",
    ("mediawiki", "siteinfo", "namespaces", "namespace"): "name",
}
_DEEPEST = max(map(len, _WANTED))
_INTEGER = re.compile(r"\s*-?\d+\s*")


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
        self.closed = False
        """Whether the dump itself closes its root: a head of whole streams does not."""
        self._surrogates = SurrogateFinder()

    @property
    def surrogate_streams(self) -> list[int]:
        """Where the bzip2 streams begin that refer to a surrogate."""
        return self._surrogates.streams

    def __iter__(self) -> Iterator[Page]:
        parser = _Parser(self._dump.name)
        for start, chunk in read_bz2_streams(self._dump):
            self._surrogates.look(start, chunk)
            yield from parser.feed(chunk)
        self.closed = parser.closed
        yield from parser.close()


class _Parser:
    """Turns the events of the parser into pages."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._path: list[str] = []
        self.closed = False
        self._values: dict[str, str] = {}
        self._redirect = False
        self._pages: list[Page] = []
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse

    def feed(self, chunk: bytes) -> list[Page]:
        """Parse a chunk and return the pages that ended in it."""
        try:
            self._parser.Parse(chunk, False)
        except expat.ExpatError as fault:
            raise self._damaged(f"is no well-formed XML ({fault})") from fault
        pages, self._pages = self._pages, []
        return pages

    def close(self) -> list[Page]:
        """End the document, closing a head that was cut between two pages."""
        pages = [] if self.closed else self.feed(self._rest())
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError as fault:
            raise self._damaged(f"is no well-formed XML ({fault})") from fault
        return pages

    def _rest(self) -> bytes:
        if self._path != ["mediawiki"]:
            raise self._damaged("ends inside a page" if self._path else "is no MediaWiki export")
        return CLOSING_TAG

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) == 1 and name != "mediawiki":
            raise self._damaged(f"is no MediaWiki export (its root is <{name}>)")
        if len(self._path) > _DEEPEST:
            return
        if self._path == ["mediawiki", "page"]:
            self._values, self._redirect = {}, False
        elif self._path == ["mediawiki", "page", "redirect"]:
            self._redirect = True
        key = _WANTED.get(tuple(self._path))
        if key is not None:
            self._values[key] = ""
            # Set only where text is wanted: article text must not pass through Python.
            self._parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        self._values[_WANTED[tuple(self._path)]] += text

    def _end(self, name: str) -> None:
        self._parser.CharacterDataHandler = None
        if self._path == ["mediawiki", "page"]:
            self._pages.append(self._page())
        self._path.pop()
        self.closed = not self._path

    def _page(self) -> Page:
        values = self._values
        number = values.get("namespace", "")
        if "id" not in values or "title" not in values or not _INTEGER.fullmatch(number):
            raise self._damaged(f"has a page without title, ns or id ({values})")
        return Page(values["id"].strip(), values["title"], int(number), self._redirect)

    def _refuse(self, *_: Any) -> NoReturn:
        raise DataError(
            f"{self._name}: declares a document type or entities, which no dump does",
            fix="do not trust this file; get it from dumps.wikimedia.org",
        )

    def _damaged(self, what: str) -> DataError:
        return DataError(f"{self._name}: {what}", fix="fetch it again with --refresh download")
