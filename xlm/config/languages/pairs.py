"""The languages of a run, and the names of their pairs.

    language("zh").opus        # ("zh", "cmn", "zh_cn", "zh_CN")
    pair_of("sw")              # "en-sw"
    split_pair("ar-en")        # ("ar", "en")

The table itself, and how to add a language, is in `table.py`.
"""

import difflib

from xlm.config.languages.table import FURTHER_LANGUAGES, PAPER_LANGUAGES, Language
from xlm.errors import ConfigError

ENGLISH = "en"
"""The language that every pair shares (paper section 5.1)."""


XNLI_LANGUAGES: dict[str, Language] = {entry.code: entry for entry in PAPER_LANGUAGES}
"""The languages of XNLI and of the paper by our code, in the order of the code."""

KNOWN_LANGUAGES: dict[str, Language] = {
    entry.code: entry for entry in (*PAPER_LANGUAGES, *FURTHER_LANGUAGES)
}
"""All languages that a run can have, XNLI's first."""


def language(code: str) -> Language:
    """The language of that code; an unknown one is refused with the nearest known one."""
    if code in KNOWN_LANGUAGES:
        return KNOWN_LANGUAGES[code]
    raise ConfigError(f"unknown language {code[:40]!r}", fix=_nearest(code))


def pair_of(code: str) -> str:
    """The name of the pair of English and `code`: both codes, alphabetical, joined by `-`."""
    return "-".join(sorted((ENGLISH, language(code).code)))


def split_pair(pair: str) -> tuple[str, str]:
    """The two language codes of a pair of English and another language, alphabetical."""
    first, _, second = pair.partition("-")
    language(first), language(second)
    if first >= second or ENGLISH not in (first, second):
        other = second if first == ENGLISH else first
        right = pair_of(other) if other != ENGLISH else "en-fr"
        raise ConfigError(
            f"{pair!r} is no pair of English and another language in alphabetical order",
            fix=f"write {right}",
        )
    return first, second


def other_language(pair: str) -> str:
    """The language of a pair that is not English."""
    first, second = split_pair(pair)
    return second if first == ENGLISH else first


def _nearest(code: str) -> str:
    entries = KNOWN_LANGUAGES.values()
    names = {entry.name.lower(): entry.code for entry in entries}
    families = {alias: entry.code for entry in entries for alias in (*entry.opus, entry.ntrex)}
    known = {**families, **names, **{code: code for code in KNOWN_LANGUAGES}}
    match = difflib.get_close_matches(code.lower()[:40], known, n=1, cutoff=0.5)
    choice = f"did you mean {known[match[0]]!r}? " if match else ""
    return (
        f"{choice}known are {' '.join(KNOWN_LANGUAGES)}; to add one, add its line to "
        "FURTHER_LANGUAGES in xlm/config/languages/table.py"
    )
