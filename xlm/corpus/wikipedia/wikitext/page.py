"""Turns the wikitext of one page into the lines of its text.

cleaner = PageCleaner(Site(language="en", dump_date="20261101"))
cleaner.lines("Berlin", "'''Berlin''' is a [[city]].")      # ["Berlin is a city."]
"""

from xml.sax.saxutils import escape

from xlm.corpus.wikipedia.markup.dates import has_date_words, replace_date_words
from xlm.corpus.wikipedia.markup.rewrite import rewrite
from xlm.corpus.wikipedia.markup.verbatim import remove_marks
from xlm.corpus.wikipedia.page_text import decoded
from xlm.corpus.wikipedia.wikitext.elements import (
    remove_elements,
    replace_placeholders,
    tag_names,
)
from xlm.corpus.wikipedia.wikitext.entities import decode_entities, decode_escapes
from xlm.corpus.wikipedia.wikitext.external import replace_external_links
from xlm.corpus.wikipedia.wikitext.links import replace_links
from xlm.corpus.wikipedia.wikitext.paragraphs import paragraphs
from xlm.corpus.wikipedia.wikitext.quotes import replace_quotes
from xlm.corpus.wikipedia.wikitext.site import Site
from xlm.corpus.wikipedia.wikitext.spacing import tidy
from xlm.corpus.wikipedia.wikitext.tables import remove_tables
from xlm.corpus.wikipedia.wikitext.tags import remove_tags
from xlm.corpus.wikipedia.wikitext.templates import Expander
from xlm.corpus.wikipedia.wikitext.words import remove_switches


class PageCleaner:
    """Cleans the pages of one wiki; it keeps nothing between pages."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def lines(
        self, title: str, text: str, revision_date: str | None = None, *, plain: str | None = None
    ) -> list[str]:
        """The paragraphs and headings of a page, without its title.

        Args:
            title: as in the dump, escapes not decoded.
            text: the content of `<text>`, escapes not decoded.
            revision_date: YYYYMMDD of the page's revision, for a dump without a date.
            plain: the text with its escapes decoded, from a caller that needed it.
        """
        site = self._site
        day = site.day(revision_date)
        plain = decoded(text) if plain is None else plain
        prepared = rewrite(plain, site.language, site.variant)
        if has_date_words(prepared):
            prepared = replace_date_words(prepared, day, site.language, disable_computed_names=True)
        if prepared != plain:
            text = escape(prepared)
        return [remove_marks(line) for line in self.clean(title, text, day)]

    def clean(self, title: str, text: str, day: str) -> list[str]:
        """The lines of a page whose wikitext is already prepared.

        Args:
            day: YYYYMMDD, the date that date words display.
        """
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = Expander(title, day).expand(text)
        text = remove_tables(text)
        text = replace_external_links(text)
        text = replace_links(text)
        text = replace_quotes(decode_escapes(remove_switches(text)))
        if "<" in text:
            names = tag_names(text)
            if (shorter := remove_tags(text, names)) != text:
                # Removing a tag can form another: `</<b>ref>`.
                text, names = shorter, tag_names(shorter)
            text = remove_elements(text, names)
        text = replace_placeholders(decode_entities(text))
        return paragraphs(tidy(text))
