"""Removes MediaWiki's behavior switches, such as `__NOTOC__`."""

import re

from xlm.corpus.wikipedia.markup.marks import has_mark

_SWITCHES = (
    "NOTOC", "FORCETOC", "TOC", "NEWSECTIONLINK", "NONEWSECTIONLINK", "NOGALLERY", "HIDDENCAT",
    "NOCONTENTCONVERT", "NOCC", "NOTITLECONVERT", "NOTC", "START", "END", "INDEX", "NOINDEX",
    "STATICREDIRECT", "DISAMBIG", "NOEDITSECTION",
)  # fmt: skip
_SWITCH = re.compile(rf"__(?:{'|'.join(_SWITCHES)})__")


def remove_switches(text: str) -> str:
    """Remove the switches with English names; other words with underscores stay."""
    return _SWITCH.sub("", text) if has_mark(text, "__") else text
