"""Names of the word segmenters, and the languages that need one. Imports no segmenter.

A segmenter is written NAME or NAME:PATH; PATH is its program or its model:

    jieba                          zh, a library
    pkuseg:/models/news            zh, a library with a model folder
    stanford:/opt/stanford-seg...  zh, the folder of the Stanford segmenter
    newmm                          th, a library
    icu                            ja, km, lo, my, th, zh and others, a library
    kytea:/usr/local/bin/kytea     ja, a program
    command:/opt/my-segmenter      any language, a program that writes one line for each line
"""

from xlm.config.languages.table import Language

SEGMENTERS = ("jieba", "pkuseg", "stanford", "newmm", "icu", "kytea", "command")

DEFAULT_SEGMENTERS = {"th": "newmm", "zh": "jieba"}
"""Segmenters of the languages of XLM-15 that do not separate words by spaces."""

RECOMMENDED = "icu"
"""The segmenter for the other languages without spaces."""

_UNSPACED_SCRIPTS = frozenset(
    {
        *("Hani", "Hans", "Hant", "Jpan", "Hira", "Kana"),
        *("Thai", "Laoo", "Khmr", "Mymr", "Lana", "Tale", "Talu", "Tavt", "Tibt"),
    }
)


def is_unspaced(language: Language) -> bool:
    """Whether the script of a language usually has no spaces between words."""
    return language.script in _UNSPACED_SCRIPTS


def recommended_segmenter(language: Language) -> str | None:
    """The segmenter for a language, or None if it separates words by spaces."""
    if language.code in DEFAULT_SEGMENTERS:
        return DEFAULT_SEGMENTERS[language.code]
    return RECOMMENDED if is_unspaced(language) else None


def missing_segmenter_warning(code: str) -> str:
    """Return the warning for a language without spaces that has no segmenter."""
    return (
        f"{code} is written without spaces and has no segmenter: whole clauses will count as "
        f"words; set text.segmenters.{code}={RECOMMENDED} (--segmenter {RECOMMENDED}) or "
        "another one (docs/reference/segmenters.md)"
    )


def split_spec(spec: str) -> tuple[str, str | None]:
    """Split `NAME` or `NAME:PATH` into name and path; an empty path becomes None."""
    name, _, path = spec.partition(":")
    return name, path or None
