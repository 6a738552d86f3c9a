"""The parts of a page's XML that an extraction needs, as they stand there."""

import re
from xml.sax.saxutils import escape, unescape

from xlm.corpus.wikipedia.page_head import Page

_TEXT_OPENING = re.compile(rb"<text(?:\s[^<>]*)?(?<!/)>")
_TEXT_CLOSING = b"</text>"
_TITLE = re.compile(rb"<title>([^<]*)</title>")
_TIMESTAMP = re.compile(rb"<timestamp>(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T")
_QUOTES = {"&quot;": '"', "&apos;": "'"}


def text_span(content: bytes) -> tuple[int, int] | None:
    """Where the wikitext stands in the XML of a page; None if the page has none."""
    for opening in _TEXT_OPENING.finditer(content):
        end = content.find(b"<", opening.end())
        if content.startswith(_TEXT_CLOSING, end):
            return opening.end(), end
    return None


def decoded(text: str) -> str:
    """Wikitext without the escapes of XML."""
    return unescape(text, _QUOTES) if "&" in text else text


def revision_date(content: bytes) -> str | None:
    """The date of the page's revision, YYYYMMDD; None without a valid one."""
    found = _TIMESTAMP.search(content)
    return b"".join(found.groups()).decode() if found else None


def title_with_escapes(content: bytes, page: Page) -> str:
    """The title as it stands in the XML: `A &amp; B`."""
    match = _TITLE.search(content)
    return match[1].decode("utf-8", "replace") if match else escape(page.title)
