"""Character references to surrogates in wikitext, `&#xD800;`: no text can hold what they name.

wikiextractor decodes them and then dies of its own output, with all pages that follow; an HTML
reader sees U+FFFD, and so do we.
"""

import re

_AMPERSAND = b"&amp;#"
_REFERENCE = re.compile(rb"&amp;#(?:[xX]([0-9A-Fa-f]{4,16})|([0-9]{5,16}));")
_REPLACEMENT = b"&amp;#xFFFD;"


def mended(text: bytes) -> bytes:
    """XML text with U+FFFD in place of every surrogate."""
    return _REFERENCE.sub(_mended_reference, text) if _AMPERSAND in text else text


def _mended_reference(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16) if match[1] else int(match[2])
    return _REPLACEMENT if 0xD800 <= value <= 0xDFFF else match[0]
