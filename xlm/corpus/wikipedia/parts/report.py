"""What a worker reports of a part of a dump, in addition to its counts; stored as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xlm.corpus.wikipedia.accounting import LostPage, Usage
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.sections import Section

_KEPT_BYTES = 1024


@dataclass
class PartReport:
    """The pages without a document, and what the neighbours of the part must know."""

    first_id: str = ""
    """The id of the first article that was not dropped by its bytes; empty without one."""
    last_id: str = ""
    """The id of the last such article."""
    pages: int = 0
    head: str = ""
    """The beginning of the XML before the first page, one character a byte."""
    read_on: bool = False
    closed: bool = False
    missing: list[LostPage] = field(default_factory=list)
    dropped: list[LostPage] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    """What programs used that the worker started."""

    def is_twin(self, article: Page) -> bool:
        """Whether the article has the id of the last one before it: only the first counts."""
        self.first_id = self.first_id or article.id
        is_twin, self.last_id = article.id == self.last_id, article.id
        return is_twin

    def drop(self, article: Page, reason: str) -> None:
        """List an article that a rule or the time limit drops."""
        self.dropped.append(LostPage.of(article, reason))

    def lose(self, article: Page, why: str = "") -> None:
        """List an article that the engine lost."""
        self.missing.append(LostPage.of(article, why))

    def finish(self, reader: PageReader) -> None:
        """Take over what the reader knows at the end of the part."""
        self.pages, self.read_on, self.closed = reader.pages, reader.read_on, reader.closed
        if reader.head is not None:
            self.head = _beginning(reader.head).decode("latin-1")

    def write(self, path: Path) -> None:
        """Store the report."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "PartReport":
        """Read a stored report; the caller has verified its checksum."""
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("missing", "dropped"):
            values[name] = [LostPage(**page) for page in values[name]]
        return cls(**{**values, "usage": Usage(**values["usage"])})


def _beginning(head: Section) -> bytes:
    """The head itself if it is short: together with its neighbours it may close the dump."""
    return head.content if len(head.content) <= _KEPT_BYTES else head.content.strip()[:_KEPT_BYTES]
