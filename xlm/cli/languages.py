"""`xlm languages`: the table of languages, those that match a word, or those of a profile."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from xlm.cli.output import printable, show, terminal_width
from xlm.config.languages.pairs import XNLI_LANGUAGES, unknown_language
from xlm.config.languages.segmenters import recommended_segmenter
from xlm.config.languages.table import Language, read_table
from xlm.display.text_table import text_table

HEADER = ("code", "name", "script", "Wikipedia", "OPUS", "NTREX", "XNLI", "segmenter")


def print_languages(word: str | None, profile: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each language.

    Args:
        word: a code of our own or of another source, a part of a name, or a script.
        profile: list the languages of this profile, declared ones included, with the segmenters
            that it sets; None: the table, with the segmenter that each language needs.

    Raises:
        ConfigError: no language matches, or the profile is invalid.
    """
    languages, segmenters = _of_profile(profile) if profile else _known()
    found = languages if word is None else matching(word, languages)
    if word is not None and not found:
        raise unknown_language(word)
    if as_json:
        records = [_record(entry, segmenters.get(entry.code)) for entry in found]
        show(json.dumps(records, indent=1, ensure_ascii=False))
        return
    rows = [language_row(entry, segmenters.get(entry.code)) for entry in found]
    show(text_table(HEADER, rows, width=terminal_width(), left=range(len(HEADER))))


def matching(word: str, languages: Sequence[Language]) -> list[Language]:
    """The languages with this code or script, or else those with this in their name."""
    wanted = word.strip().lower()
    codes = {wanted, wanted.replace("-", "_")}
    exact = [entry for entry in languages if codes & _aliases(entry)]
    if exact or not wanted:
        return exact
    return [entry for entry in languages if wanted in entry.name.lower()]


def language_row(entry: Language, segmenter: str | None) -> tuple[str, ...]:
    """The cells of a language under `HEADER`."""
    return (
        entry.code,
        printable(entry.name),
        f"{entry.script}, right to left" if entry.direction == "rtl" else entry.script,
        f"{entry.wiki}wiki" if entry.wiki else "",
        printable(" ".join(entry.opus)),
        printable(entry.ntrex),
        "yes" if entry.code in XNLI_LANGUAGES else "",
        printable(segmenter or ""),
    )


def _known() -> tuple[list[Language], dict[str, str]]:
    languages = list(read_table().values())
    needed = {entry.code: recommended_segmenter(entry) for entry in languages}
    return languages, {code: name for code, name in needed.items() if name}


def _of_profile(profile: str) -> tuple[list[Language], Mapping[str, str]]:
    from xlm.config.reading.resolve import resolve

    config = resolve(profile)
    return [config.table[code] for code in config.languages], config.text.segmenters


def _aliases(entry: Language) -> set[str]:
    names = (entry.code, entry.iso, entry.script, entry.wiki, f"{entry.wiki}wiki", entry.ntrex)
    return {alias.lower() for alias in (*names, *entry.opus) if alias}


def _record(entry: Language, segmenter: str | None) -> dict[str, Any]:
    from xlm.text.moses.prefixes import has_prefixes

    return {
        "code": entry.code,
        "iso": entry.iso or None,
        "name": entry.name,
        "script": entry.script,
        "direction": entry.direction,
        "wikipedia": f"{entry.wiki}wiki" if entry.wiki else None,
        "opus": list(entry.opus),
        "ntrex": entry.ntrex or None,
        "xnli": entry.code in XNLI_LANGUAGES,
        "tokenizer": entry.moses,
        "has_abbreviations": has_prefixes(entry.moses),
        "segmenter": segmenter,
    }
