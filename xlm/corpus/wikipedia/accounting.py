"""Accounts for every page of a dump: counts for the manifest, and logs of articles without text."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from xlm.corpus.wikipedia.page_head import Page
from xlm.errors import ToolError

_MISSING_LOG = "missing_pages.tsv"
_DROPPED_LOG = "dropped_pages.tsv"
_MAX_NAMED_PAGES = 3


@dataclass
class PageCounts:
    """How many pages were written, skipped and lost; the names are those of the manifest."""

    articles: int = 0
    redirects: int = 0
    other_namespaces: int = 0
    documents: int = 0
    missing_pages: int = 0
    dropped_pages: int = 0
    lines: int = 0

    def count(self, page: Page) -> None:
        """Count a page of the dump."""
        self.articles += page.is_article
        self.redirects += page.redirect
        self.other_namespaces += page.namespace != 0 and not page.redirect

    def add(self, counts: Mapping[str, int]) -> None:
        """Add the counts of a part of the dump."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + counts[name])


@dataclass
class Usage:
    """CPU time and memory of programs that the workers started."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0

    def add(self, other: "Usage") -> None:
        """Add the usage of further programs. The peak is that of the largest one."""
        self.cpu_seconds += other.cpu_seconds
        self.peak_memory_bytes = max(self.peak_memory_bytes, other.peak_memory_bytes)


@dataclass(frozen=True)
class LostPage:
    """An article without a document."""

    id: str
    title: str
    why: str = ""

    @classmethod
    def of(cls, page: Page, why: str = "") -> "LostPage":
        """The page, with its title on one line."""
        return cls(page.id, " ".join(page.title.split()), why)

    @property
    def row(self) -> str:
        """The line of a log."""
        return "\t".join([self.id, self.title, *([self.why] if self.why else [])]) + "\n"


@dataclass
class LostPages:
    """Logs of the articles that the engine lost (missing), and of those that rules drop."""

    logs: Path
    first_missing: list[LostPage] = field(default_factory=list)
    """The first few, for the error message; the log has all of them."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._paths = [self.logs / name for name in (_MISSING_LOG, _DROPPED_LOG)]
        self._missing, self._dropped = (
            self._stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
            for path in self._paths
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        for path in self._paths:
            if path.stat().st_size == 0:
                path.unlink()

    def missing(self, page: LostPage) -> None:
        """List an article that the engine lost."""
        self._missing.write(page.row)
        if len(self.first_missing) < _MAX_NAMED_PAGES:
            self.first_missing.append(page)

    def dropped(self, page: LostPage) -> None:
        """List an article that a rule or the time limit drops."""
        self._dropped.write(page.row)


def require_few_missing(
    dump: str, engine: str, counts: PageCounts, lost: LostPages, fraction: float
) -> None:
    """Refuse an extraction that lost more than `fraction` of the articles, at least one.

    Raises:
        ToolError: it did.
    """
    allowed = max(1, int(counts.articles * fraction))
    if counts.missing_pages > allowed:
        pages = ", ".join(f"{page.title!r} ({page.id})" for page in lost.first_missing)
        raise ToolError(
            f"{dump}: {engine} lost {counts.missing_pages:,} of {counts.articles:,} articles "
            f"({allowed:,} allowed); first: {pages}",
            fix=f"see {_MISSING_LOG} in the logs; use another dump date, or raise "
            "extract.missing_pages",
        )
