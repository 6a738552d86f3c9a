"""Prepares a page for wikiextractor: rewrites the wikitext that it would get wrong.

    prepare = Preparation(language="zh", dump_date="20261101", variant="zh-hans", templates=False)
    prepare.page(content, article=True)     # the page's XML with rewritten wikitext

Every rule works on the wikitext alone, so another extraction program could use the same rules.
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from xlm.corpus.wikipedia.markup.dates import has_date_words, replace_date_words
from xlm.corpus.wikipedia.markup.entities import replace_surrogates
from xlm.corpus.wikipedia.markup.limits import NOT_UTF_8, hostile_reason
from xlm.corpus.wikipedia.markup.rewrite import rewrite
from xlm.corpus.wikipedia.page_text import decoded, revision_date, text_span

_DATE_IN_NAME = re.compile(r"-((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8]))-")
_UNDATED = "20010115"
"""Wikipedia's first day, for a page without a timestamp in a dump without a date."""


@dataclass(frozen=True)
class Prepared:
    """The XML of a page for wikiextractor."""

    content: bytes
    drop_reason: str = ""
    """Why the page is dropped; empty if it is not."""


@dataclass(frozen=True)
class Preparation:
    """The rules for the pages of one dump."""

    language: str
    dump_date: str | None
    """YYYYMMDD; None uses the date of each page's revision."""
    variant: str
    templates: bool
    """Whether wikiextractor expands templates; their pages then keep tags and computed names."""

    def page(self, content: bytes, *, article: bool) -> Prepared:
        """Rewrite the wikitext of a page; templates only get dates."""
        content = replace_surrogates(content)
        span = text_span(content)
        if span is None or not (article or self.templates):
            return Prepared(content)
        try:
            text = decoded(content[slice(*span)].decode("utf-8"))
        except UnicodeDecodeError:
            return Prepared(content, NOT_UTF_8)
        changed = text
        if article:
            if reason := hostile_reason(text):
                return Prepared(content, reason)
            changed = rewrite(text, self.language, self.variant)
            # Removing a tag can join two parts to hostile text.
            if changed != text and (reason := hostile_reason(changed)):
                return Prepared(content, reason)
        # Dates come last: without its tag, `{{CURRENT<wbr>TIME}}` becomes a date word.
        changed = self._with_dates(changed, content)
        if changed == text:
            return Prepared(content)
        start, end = span
        return Prepared(content[:start] + escape(changed).encode() + content[end:])

    def _with_dates(self, text: str, content: bytes) -> str:
        if not has_date_words(text):
            return text
        day = self.dump_date or revision_date(content) or _UNDATED
        return replace_date_words(
            text, day, self.language, disable_computed_names=not self.templates
        )


def date_in_name(name: str) -> str | None:
    """The date in the file name of a dump (`swwiki-20261101-pages-...`); None if there is none."""
    found = _DATE_IN_NAME.search(name)
    return found[1] if found else None
