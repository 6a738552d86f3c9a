"""`xlm languages`: the table of languages, or those that match a word."""

import json
from typing import Any

from xlm.cli.output import show, terminal_width
from xlm.config.languages.pairs import XNLI_LANGUAGES, language
from xlm.config.languages.segmenters import recommended_segmenter
from xlm.config.languages.table import Language, read_table
from xlm.display.text_table import text_table

HEADER = ("code", "name", "script", "Wikipedia", "OPUS", "NTREX", "XNLI", "segmenter")


def print_languages(word: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each language.

    Args:
        word: a code of our own or of another source, a part of a name, or a script.

    Raises:
        ConfigError: no language matches.
    """
    found = list(read_table().values()) if word is None else matching(word)
    if word is not None and not found:
        language(word)  # raises the error that suggests one
    if as_json:
        show(json.dumps([_record(entry) for entry in found], indent=1, ensure_ascii=False))
        return
    rows = [language_row(entry) for entry in found]
    show(text_table(HEADER, rows, width=terminal_width(), left=range(len(HEADER))))


def matching(word: str) -> list[Language]:
    """The languages with this code or script, or else those with this in their name."""
    wanted = word.strip().lower()
    codes = {wanted, wanted.replace("-", "_")}
    exact = [entry for entry in read_table().values() if codes & _aliases(entry)]
    if exact or not wanted:
        return exact
    return [entry for entry in read_table().values() if wanted in entry.name.lower()]


def language_row(entry: Language) -> tuple[str, ...]:
    """The cells of a language under `HEADER`."""
    return (
        entry.code,
        entry.name,
        f"{entry.script}, right to left" if entry.direction == "rtl" else entry.script,
        f"{entry.wiki}wiki" if entry.wiki else "",
        " ".join(entry.opus),
        entry.ntrex,
        "yes" if entry.code in XNLI_LANGUAGES else "",
        recommended_segmenter(entry) or "",
    )


def _aliases(entry: Language) -> set[str]:
    names = (entry.code, entry.iso, entry.script, entry.wiki, f"{entry.wiki}wiki", entry.ntrex)
    return {alias.lower() for alias in (*names, *entry.opus) if alias}


def _record(entry: Language) -> dict[str, Any]:
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
        "moses_abbreviations": entry.moses if has_prefixes(entry.moses) else None,
        "segmenter": recommended_segmenter(entry),
    }
