"""The languages, and what each source calls them: one line a language.

    language("zh").opus        # ("zh", "cmn", "zh_cn", "zh_CN")
    pair_of("sw")              # "en-sw"
    split_pair("ar-en")        # ("ar", "en")

To add a language, add one line to `_TABLE`: Wikipedia, OPUS and NTREX find it by its codes there.
"""

import difflib
from dataclasses import dataclass

from xlm.errors import ConfigError

ENGLISH = "en"
"""The language that every pair shares (paper section 5.1)."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language and the codes under which the families of sources file it."""

    code: str
    """Ours, and XNLI's (ISO 639-1)."""
    name: str
    """In English."""
    script: str
    """ISO 15924."""
    direction: str
    """`ltr` or `rtl`."""
    wiki: str
    """Host part of its Wikipedia: `{wiki}.wikipedia.org`, database `{wiki}wiki`."""
    opus: tuple[str, ...]
    """Codes in OPUS, most usual first; corpora differ (Tatoeba says cmn and swh)."""
    ntrex: str
    """Code in the file names of NTREX-128 (ISO 639-3, with a region where it has several)."""


#        code  name          script  dir    wiki  OPUS                         NTREX
_TABLE = (
    Language("ar", "Arabic", "Arab", "rtl", "ar", ("ar", "ara"), "arb"),
    Language("bg", "Bulgarian", "Cyrl", "ltr", "bg", ("bg", "bul"), "bul"),
    Language("de", "German", "Latn", "ltr", "de", ("de", "deu"), "deu"),
    Language("el", "Greek", "Grek", "ltr", "el", ("el", "ell"), "ell"),
    Language("en", "English", "Latn", "ltr", "en", ("en", "eng"), "eng"),
    Language("es", "Spanish", "Latn", "ltr", "es", ("es", "spa"), "spa"),
    Language("fr", "French", "Latn", "ltr", "fr", ("fr", "fra"), "fra"),
    Language("hi", "Hindi", "Deva", "ltr", "hi", ("hi", "hin"), "hin"),
    Language("ru", "Russian", "Cyrl", "ltr", "ru", ("ru", "rus"), "rus"),
    Language("sw", "Swahili", "Latn", "ltr", "sw", ("sw", "swh", "swa"), "swa"),
    Language("th", "Thai", "Thai", "ltr", "th", ("th", "tha"), "tha"),
    Language("tr", "Turkish", "Latn", "ltr", "tr", ("tr", "tur"), "tur"),
    Language("ur", "Urdu", "Arab", "rtl", "ur", ("ur", "urd"), "urd"),
    Language("vi", "Vietnamese", "Latn", "ltr", "vi", ("vi", "vie"), "vie"),
    Language("zh", "Chinese", "Hans", "ltr", "zh", ("zh", "cmn", "zh_cn", "zh_CN"), "zho-CN"),
)

LANGUAGES: dict[str, Language] = {entry.code: entry for entry in _TABLE}
"""All known languages by our code, in the order of the code."""


def language(code: str) -> Language:
    """The language of that code; an unknown one is refused with the nearest known one."""
    if code in LANGUAGES:
        return LANGUAGES[code]
    raise ConfigError(f"unknown language {code!r}", fix=_nearest(code))


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
    names = {entry.name.lower(): entry.code for entry in _TABLE}
    families = {alias: entry.code for entry in _TABLE for alias in (*entry.opus, entry.ntrex)}
    known = {**families, **names, **{code: code for code in LANGUAGES}}
    match = difflib.get_close_matches(code.lower(), known, n=1, cutoff=0.5)
    choice = f"did you mean {known[match[0]]!r}? " if match else ""
    return f"{choice}known are {' '.join(LANGUAGES)}"
