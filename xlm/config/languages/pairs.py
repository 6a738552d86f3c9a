"""Looks up languages by their code, and names language pairs.

    language("zh").opus        # ("zh", "cmn", "zh_cn", "zh_CN")
    pair_of("sw")              # "en-sw"
    split_pair("ar-en")        # ("ar", "en")

`languages.tsv` contains the table, `declared.py` the languages that a profile declares.
"""

from xlm.config.languages.suggest import how_to_declare, nearest_language
from xlm.config.languages.table import Language, read_table
from xlm.errors import ConfigError

ENGLISH = "en"
"""The language that is part of every pair of the paper (section 5.1)."""

_XNLI = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")

XNLI_LANGUAGES: dict[str, Language] = {code: read_table()[code] for code in _XNLI}
"""Code to language for the 15 languages of XNLI and of the paper, ordered by code."""

KNOWN_LANGUAGES: dict[str, Language] = {**XNLI_LANGUAGES, **read_table()}
"""Code to language for all languages of the table, those of XNLI first."""


def language(code: str) -> Language:
    """Look up a language.

    Raises:
        ConfigError: the code is unknown; the message suggests the nearest one.
    """
    if code in KNOWN_LANGUAGES:
        return KNOWN_LANGUAGES[code]
    raise unknown_language(code)


def unknown_language(code: str, where: str = "") -> ConfigError:
    """The error for an unknown code, which suggests the nearest one.

    Args:
        where: start of the message, such as `text.segmenters: `.
    """
    near = nearest_language(code, KNOWN_LANGUAGES.values())
    choice = f"did you mean {near.code!r} ({near.name})? " if near else ""
    return ConfigError(
        f"{where}unknown language {code[:40]!r}", fix=f"{choice}{how_to_declare(code)}"
    )


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
