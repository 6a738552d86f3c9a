"""Prepares one page for an extraction program: what the program would get wrong is mended before.

    prepare = Preparation(language="zh", dump_date="20261101", variant="zh-hans", templates=False)
    prepare.page(content)        # the page's XML, rewritten; its other elements stay as they are

Every rule works on the wikitext alone, so that any engine can keep them.
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape, unescape

from xlm.corpus.wikipedia.markup.dates import needs_dates, put_dates
from xlm.corpus.wikipedia.markup.entities import number_entities
from xlm.corpus.wikipedia.markup.limits import hostile_reason
from xlm.corpus.wikipedia.markup.rows import take_rows
from xlm.corpus.wikipedia.markup.surrogates import mended
from xlm.corpus.wikipedia.markup.tags import take_tags
from xlm.corpus.wikipedia.markup.variants import VARIANT_LANGUAGES, choose_variants
from xlm.corpus.wikipedia.markup.verbatim import (
    escape_false_tags,
    mark_decoded_tags,
    shield_verbatim,
)

_TEXT = re.compile(rb"<text(?:\s[^<>]*)?(?<!/)>([^<]*)</text>")
_TIMESTAMP = re.compile(rb"<timestamp>(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T")
_DATE_IN_NAME = re.compile(r"-((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8]))-")
_UNDATED = "20010115"
"""Wikipedia's first day, for a page of an undated dump without a timestamp."""
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_AS_WRITTEN = "original"


@dataclass(frozen=True)
class Prepared:
    """A page for the program."""

    content: bytes
    refused: str = ""
    """Why the program must not get it."""


@dataclass(frozen=True)
class Preparation:
    """The rules of one dump."""

    language: str
    dump_date: str | None
    """YYYYMMDD; None: the day of each page's revision."""
    variant: str
    templates: bool
    """Whether the program expands templates: they need their own tags and computed names."""

    def page(self, content: bytes, *, article: bool) -> Prepared:
        """Rewrite the wikitext of a page."""
        content = mended(content)
        match = _TEXT.search(content)
        if match is None or not (article or self.templates):
            return Prepared(content)
        try:
            text = unescape(match[1].decode("utf-8"), _QUOTES)
        except UnicodeDecodeError:
            return Prepared(content, "text that is not UTF-8")
        changed = text
        if article:
            changed = self._rewritten(text) if not (reason := hostile_reason(text)) else text
            # What stood on two sides of a tag can be hostile without it.
            reason = reason or (hostile_reason(changed) if changed != text else "")
            if reason:
                return Prepared(content, reason)
        # Dates come last: a tag taken out of `{{CURRENT<wbr>TIME}}` completes a date word.
        changed = self._dated(changed, content)
        if changed == text:
            return Prepared(content)
        start, end = match.span(1)
        return Prepared(content[:start] + escape(changed).encode() + content[end:])

    def _dated(self, text: str, content: bytes) -> str:
        if not needs_dates(text):
            return text
        day = self.dump_date
        if day is None:
            found = _TIMESTAMP.search(content)
            day = b"".join(found.groups()).decode() if found else _UNDATED
        return put_dates(text, day, self.language, spoil_computed_names=not self.templates)

    def _rewritten(self, text: str) -> str:
        if "<" in text:
            text = shield_verbatim(text)
        if "&" in text:
            text = number_entities(text)
        if "<" in text:
            text = take_tags(escape_false_tags(text))
        if "<" in text or "&" in text:
            text = mark_decoded_tags(text)
        if "-{" in text and self.variant != _AS_WRITTEN and self.language in VARIANT_LANGUAGES:
            text = choose_variants(text, self.variant)
        return take_rows(text) if "!" in text or "|" in text else text


def date_in_name(name: str) -> str | None:
    """The dump's date in a file name as Wikimedia writes it: `swwiki-20261101-pages-...`."""
    found = _DATE_IN_NAME.search(name)
    return found[1] if found else None
