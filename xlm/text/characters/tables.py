"""Character tables of Unicode 14, stored as data, so that a newer Python changes no output.

    character_flags()[ord("ा")] & ALPHABETIC  # a vowel sign is alphabetic in Perl, not in Python

XLM's tools ran with Unicode 14 (Perl 5.36, Python 3.11). infra/build_characters.py writes the
properties that tokenization needs to unicode14.tsv.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

ALPHABETIC = 1
"""Perl's `\\p{IsAlpha}`: letters, letter numbers, and marks and symbols used as letters."""
ALNUM = 2
"""Perl's `\\p{IsAlnum}`: Alphabetic and decimal digits."""
NUMBER = 4
"""Perl's `\\p{IsN}`: general category N."""
LOWER = 8
"""Perl's `\\p{IsLower}`: Lowercase, which includes ª and ⓐ."""
LOWERCASE_LETTER = 16
"""Perl's `\\p{Ll}`."""
OTHER = 32
"""Perl's `\\p{C}`: control, format, surrogate, private use, unassigned in Unicode 14."""
CASED = 64
CASE_IGNORABLE = 128
"""Skipped by the rule of the final sigma."""

_FLAGS = {
    "Alphabetic": ALPHABETIC | ALNUM,
    "Nd": ALNUM,
    "N": NUMBER,
    "Lowercase": LOWER,
    "Ll": LOWERCASE_LETTER,
    "C": OTHER,
    "Cased": CASED,
    "Case_Ignorable": CASE_IGNORABLE,
}

CODE_POINTS = 0x110000

WHITE_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Perl's `\\s`; Python's `\\s` also has U+001C to U+001F."""


@cache
def character_flags() -> bytes:
    """Return one byte for each code point, the sum of its flags."""
    flags = bytearray(CODE_POINTS)
    for name, flag in _FLAGS.items():
        for first, last in ranges(name):
            if first == last:
                flags[first] |= flag
            else:
                span = flags[first : last + 1]
                flags[first : last + 1] = span.translate(_set_flag_table(flag))
    return bytes(flags)


def has_flag(flag: int) -> Callable[[str], bool]:
    """Return a test of whether a character has a flag."""
    table = character_flags()
    return lambda character: bool(table[ord(character)] & flag)


@cache
def marks() -> frozenset[int]:
    """Return the non-spacing marks, general category Mn."""
    return frozenset(c for first, last in ranges("Mn") for c in range(first, last + 1))


@cache
def combining_classes() -> Mapping[int, int]:
    """Return canonical combining classes by code point, without class 0."""
    return {point: int(value) for point, value in _values("combining_class")}


@cache
def lower_case() -> Mapping[int, str]:
    """Return full lowercase mappings by code point, without context: İ becomes two characters."""
    return {point: _text(value) for point, value in _values("lower")}


@cache
def decompositions() -> Mapping[int, str]:
    """Return full canonical decompositions by code point, without Hangul syllables."""
    return {point: _text(value) for point, value in _values("decomposition")}


_HANGUL = 0xAC00, 0xD7A3
_LEADING, _VOWEL, _TRAILING = 0x1100, 0x1161, 0x11A7
_VOWELS, _TRAILINGS = 21, 28


def hangul_decomposition(point: int) -> str | None:
    """Decompose a Hangul syllable into jamo by the Unicode standard, section 3.12; else None."""
    if not _HANGUL[0] <= point <= _HANGUL[1]:
        return None
    block, trailing = divmod(point - _HANGUL[0], _TRAILINGS)
    leading, vowel = divmod(block, _VOWELS)
    jamo = chr(_LEADING + leading) + chr(_VOWEL + vowel)
    return jamo + chr(_TRAILING + trailing) if trailing else jamo


@cache
def _set_flag_table(flag: int) -> bytes:
    return bytes(value | flag for value in range(256))


def ranges(name: str) -> Iterator[tuple[int, int]]:
    """Yield first and last code points of the ranges of a table, e.g. Alphabetic, Nd or Mn."""
    for item in _tables()[name].split(" "):
        first, _, last = item.partition("-")
        yield int(first, 16), int(last or first, 16)


def _values(name: str) -> Iterator[tuple[int, str]]:
    for item in _tables()[name].split(" "):
        point, _, value = item.partition("=")
        yield int(point, 16), value


def _text(points: str) -> str:
    return "".join(chr(int(point, 16)) for point in points.split("."))


@cache
def _tables() -> Mapping[str, str]:
    path = Path(__file__).with_name("unicode14.tsv")
    _, *lines = path.read_text(encoding="ascii").rstrip("\n").split("\n")
    return dict(line.split("\t", 1) for line in lines)
