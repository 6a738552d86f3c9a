"""What to do about a language code that the table does not contain.

nearest_language("swh", languages)   # Swahili: its code in OPUS
how_to_declare("xyz")                # "`xlm languages` lists the known ones; to add one, ..."
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from xlm.config.languages.table import Language

CODE_PATTERN = r"^[a-z]{2,3}(_[a-z0-9]+)*$"
"""Codes contain no `-`, because it joins the two codes of a pair."""

_MAX_LENGTH = 40
_MAX_CODE_LENGTH = 4
_NEAR_CODE, _NEAR_NAME = 0.66, 0.75
"""Least similarity; codes of two letters are similar only if they are equal."""


def nearest_language(code: str, languages: Iterable[Language]) -> Language | None:
    """The language with this name or code in any source or in ISO 639-3, or with a similar one."""
    return _language_called(code, languages, is_similar=True)


def language_called(code: str, languages: Iterable[Language]) -> Language | None:
    """The language with this name, or with this code in any source or in ISO 639-3."""
    return _language_called(code, languages, is_similar=False)


def _language_called(
    code: str, languages: Iterable[Language], *, is_similar: bool
) -> Language | None:
    by_code: dict[str, Language] = {}
    by_name: dict[str, Language] = {}
    for entry in languages:
        # The first language wins: those of XNLI come first.
        for alias in filter(None, (entry.code, entry.iso, entry.wiki, entry.ntrex, *entry.opus)):
            by_code.setdefault(_plain(alias), entry)
        by_name.setdefault(entry.name.lower(), entry)
    wanted, name = _plain(code), code.strip()[:_MAX_LENGTH].lower()
    base = wanted.partition("_")[0]
    for table, key in ((by_code, wanted), (by_name, name), (by_code, base)):
        if key in table:
            return table[key]
    if not is_similar:
        return None
    if similar := get_close_matches(name, by_name, n=1, cutoff=_NEAR_NAME):
        return by_name[similar[0]]
    if len(base) > _MAX_CODE_LENGTH:
        return None
    similar = get_close_matches(base, by_code, n=5, cutoff=_NEAR_CODE)
    # A typo is rarely in the first letter.
    similar.sort(key=lambda alias: alias[:1] != base[:1])
    return by_code[similar[0]] if similar else None


def how_to_declare(code: str) -> str:
    """What to write in a profile to use a language that the table does not contain."""
    example = code if re.fullmatch(CODE_PATTERN, code) and len(code) <= _MAX_LENGTH else "xx"
    return (
        "`xlm languages` lists the known ones; to add one, declare it in `languages` of the "
        f"profile: {{code: {example}, name: NAME, tokenizer: en}}"
    )


def _plain(alias: str) -> str:
    return alias.strip()[:_MAX_LENGTH].lower().replace("-", "_")
