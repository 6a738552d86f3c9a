"""Handles HTML escapes that wikiextractor does not decode, or that end it.

It decodes numeric references and the names of HTML 4. `&apos;` and 1,900 other names are of HTML 5;
MediaWiki displays them as characters. A reference to a surrogate (`&#xD800;`) names no character:
wikiextractor decodes it and then dies when it writes its output, with all following pages. An HTML
reader displays U+FFFD, and we write the same.
"""

import re
from html import unescape
from html.entities import html5, name2codepoint

_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_SURROGATE_PREFIX = b"&amp;#"
_REFERENCE = re.compile(rb"&amp;#(?:[xX]([0-9A-Fa-f]{4,16})|([0-9]{5,16}));")
_REPLACEMENT = b"&amp;#xFFFD;"
_LINE_END = re.compile(r"&(?:#0{0,9}1[03]|#[xX]0{0,9}(?:[aA]|[dD])|NewLine);")
_ANY = re.compile(r"&(?:#\d{1,9}|#[xX][0-9A-Fa-f]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});")


def make_entities_numeric(text: str) -> str:
    """Replace the names that wikiextractor does not know by numbers: `&apos;` by `&#39;`.

    An escaped line end becomes a space, as in HTML; decoded, it could begin a list or a heading.
    """
    return _NAMED.sub(_numbered, _LINE_END.sub("&#32;", text))


def unescape_title(title: str) -> str:
    """Decode the escapes in a title; MediaWiki allows no entities in titles."""
    return _ANY.sub(lambda match: unescape(match[0]), title)


def replace_surrogates(xml: bytes) -> bytes:
    """Replace every reference to a surrogate in the text of a page by U+FFFD."""
    return _REFERENCE.sub(_valid_reference, xml) if _SURROGATE_PREFIX in xml else xml


def _numbered(match: re.Match[str]) -> str:
    characters = html5.get(f"{match[1]};")
    if characters is None or match[1] in name2codepoint:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in characters)


def _valid_reference(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16) if match[1] else int(match[2])
    return _REPLACEMENT if 0xD800 <= value <= 0xDFFF else match[0]
