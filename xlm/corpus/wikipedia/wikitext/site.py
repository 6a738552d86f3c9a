"""What the cleaner knows about the wiki of a page."""

from dataclasses import dataclass

_UNDATED = "20010115"
"""Wikipedia's first day, for pages without any date."""


@dataclass(frozen=True, slots=True)
class Site:
    """One wiki at the date of its dump."""

    language: str
    dump_date: str | None = None
    """YYYYMMDD; with None, each page needs the date of its revision."""
    variant: str = "original"
    """The variant chosen in `-{...}-`, such as `zh-hans`; `original` keeps the markup."""
    namespaces: frozenset[str] = frozenset()
    """The names of the namespaces in `<siteinfo>`."""

    def day(self, revision_date: str | None) -> str:
        """The date that date words display, YYYYMMDD."""
        return self.dump_date or revision_date or _UNDATED
