"""Escapes of HTML that a program leaves in the text: those of HTML 5, and those in titles.

wikiextractor decodes numbers and the names of HTML 4; `&apos;` is of HTML 5, as are 1,900 others
that MediaWiki shows as characters.
"""

import re
from html import unescape
from html.entities import html5, name2codepoint

_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_LINE_END = re.compile(r"&(?:#0{0,9}1[03]|#[xX]0{0,9}(?:[aA]|[dD])|NewLine);")
_ANY = re.compile(r"&(?:#\d{1,9}|#[xX][0-9A-Fa-f]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});")


def number_entities(text: str) -> str:
    """`text` with the names that the program does not know as numbers, `&apos;` as `&#39;`.

    An escaped line end is a space, as in HTML: decoded, it would begin a list or a heading.
    """
    return _NAMED.sub(_numbered, _LINE_END.sub("&#32;", text))


def plain_title(title: str) -> str:
    """A title without escapes: MediaWiki allows none in it, so what looks like one was escaped."""
    return _ANY.sub(lambda match: unescape(match[0]), title)


def _numbered(match: re.Match[str]) -> str:
    characters = html5.get(f"{match[1]};")
    if characters is None or match[1] in name2codepoint:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in characters)
