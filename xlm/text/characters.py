"""Perl's character properties as regular expression classes.

Perl's IsAlpha is Unicode's Alphabetic, which Python cannot ask for: letters and letter numbers come
from Python's tables, the alphabetic marks and symbols (Devanagari vowel signs, circled letters)
from sacremoses' list. Marks that are not Alphabetic (virama, nukta) stay out, as in Perl.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from sacremoses.corpus import Perluniprops

_CODE_POINTS = 0x110000


@cache
def alphabetic() -> str:
    """The inside of a class that matches `\\p{IsAlpha}`."""
    return _ranges(_alphabetic_code_points())


@cache
def alphanumeric() -> str:
    """The inside of a class that matches `\\p{IsAlnum}`: Alphabetic and decimal digits."""
    return _ranges(_alphabetic_code_points() | _of_category("Nd"))


@cache
def numeric() -> str:
    """The inside of a class that matches `\\p{IsN}`."""
    return _ranges(_of_category("Nd", "Nl", "No"))


@cache
def lowercase() -> str:
    """The inside of a class that matches `\\p{IsLower}`."""
    return _ranges(_of_category("Ll") | _listed("IsLower", "Lm", "Nl", "So", "Lo"))


@cache
def _alphabetic_code_points() -> frozenset[int]:
    letters = _of_category("Lu", "Ll", "Lt", "Lm", "Lo", "Nl")
    return letters | _listed("IsAlpha", "Mn", "Mc", "So")


def _listed(name: str, *categories: str) -> frozenset[int]:
    return frozenset(map(ord, Perluniprops().chars(name))) & _of_category(*categories)


@cache
def _of_category(*categories: str) -> frozenset[int]:
    return frozenset().union(*(_by_category().get(category, ()) for category in categories))


@cache
def _by_category() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for code_point in range(_CODE_POINTS):
        found.setdefault(unicodedata.category(chr(code_point)), []).append(code_point)
    return found


def _ranges(code_points: Iterable[int]) -> str:
    parts: list[str] = []
    first = last = -2
    for code_point in [*sorted(code_points), _CODE_POINTS + 1]:
        if code_point == last + 1:
            last = code_point
            continue
        if first >= 0:
            parts.append(f"{re.escape(chr(first))}-{re.escape(chr(last))}")
        first = last = code_point
    return "".join(parts)
