"""Decodes entities: first the escapes of the XML, later those that the page itself contains."""

import re
from html.entities import name2codepoint

_ENTITY = re.compile(r"&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));")
_OTHER = re.compile("&(?!(?:lt|gt|quot|amp);)")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
_REPLACEMENT = "\ufffd"
_LAST = 0x10FFFF
_MAX_DIGITS = 12
"""No character has so many; it bounds the time to read a number."""


def decode_escapes(text: str) -> str:
    """Decode the escapes of the XML, once; pages rarely have others than the four of MediaWiki."""
    if "&" not in text:
        return text
    if _OTHER.search(text):
        return decode_entities(text)
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text


def decode_entities(text: str) -> str:
    """Decode numbers and the names of HTML 4; other names stay."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        value = name2codepoint.get(name)
        return match[0] if value is None else chr(value)
    digits = (decimal or hexadecimal).lstrip("0") or "0"
    if len(digits) > _MAX_DIGITS:
        return match[0]
    value = int(digits, 10 if decimal else 16)
    if value > _LAST:
        return match[0]
    # A surrogate is not a character; HTML displays the replacement character.
    return _REPLACEMENT if 0xD800 <= value <= 0xDFFF else chr(value)
