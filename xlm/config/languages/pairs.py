"""Looks up languages by their code, and names language pairs.

    language("zh").opus        # ("zh", "cmn", "zh_cn", "zh_CN")
    pair_of("sw")              # "en-sw"
    split_pair("ar-en")        # ("ar", "en")

`table.py` contains the table, `declared.py` the languages that a profile declares.
"""

import difflib

from xlm.config.languages.table import FURTHER_LANGUAGES, PAPER_LANGUAGES, Language
from xlm.errors import ConfigError

ENGLISH = "en"
"""The language that is part of every pair of the paper (section 5.1)."""

XNLI_LANGUAGES: dict[str, Language] = {entry.code: entry for entry in PAPER_LANGUAGES}
"""Code to language for the 15 languages of XNLI and of the paper, ordered by code."""

KNOWN_LANGUAGES: dict[str, Language] = {
    entry.code: entry for entry in (*PAPER_LANGUAGES, *FURTHER_LANGUAGES)
}
"""Code to language for all supported languages, those of XNLI first."""


def language(code: str) -> Language:
    """Look up a language.

    Raises:
        ConfigError: the code is unknown; the message suggests the nearest one.
    """
    if code in KNOWN_LANGUAGES:
        return KNOWN_LANGUAGES[code]
    raise ConfigError(f"unknown language {code[:40]!r}", fix=_nearest(code))


def pair_of(code: str) -> str:
    """Name the pair of English and `code`: both codes in alphabetical order, joined by `-`."""
    return "-".join(sorted((ENGLISH, language(code).code)))


def split_pair(pair: str) -> tuple[str, str]:
    """Split the name of a pair into its two codes, which need not be known.

    Raises:
        ConfigError: it is not two different codes in alphabetical order.
    """
    first, hyphen, second = pair.partition("-")
    if not hyphen or not first or not second or "-" in second or first >= second:
        codes = sorted({code for code in pair.split("-") if code})
        raise ConfigError(
            f"{pair[:40]!r} is not a pair of two languages in alphabetical order",
            fix=f"write {'-'.join(codes) if len(codes) == 2 else 'for example en-sw'}",
        )
    return first, second


def pivot_of(pair: str) -> str:
    """The language of a pair that decides about its splits: English, or else the first."""
    codes = split_pair(pair)
    return ENGLISH if ENGLISH in codes else codes[0]


def other_language(pair: str) -> str:
    """The code of the language in a pair that is not English, or else of the second."""
    first, second = split_pair(pair)
    return first if pivot_of(pair) == second else second


def _nearest(code: str) -> str:
    entries = KNOWN_LANGUAGES.values()
    names = {entry.name.lower(): entry.code for entry in entries}
    families = {alias: entry.code for entry in entries for alias in (*entry.opus, entry.ntrex)}
    known = {**families, **names, **{code: code for code in KNOWN_LANGUAGES}}
    match = difflib.get_close_matches(code.lower()[:40], known, n=1, cutoff=0.5)
    choice = f"did you mean {known[match[0]]!r}? " if match else ""
    return (
        f"{choice}known are {' '.join(KNOWN_LANGUAGES)}; to add a language, add a line to "
        "FURTHER_LANGUAGES in xlm/config/languages/table.py"
    )
