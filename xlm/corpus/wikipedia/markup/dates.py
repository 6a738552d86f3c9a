"""Replaces MediaWiki's date words, such as `{{CURRENTYEAR}}`, by the date of the dump.

wikiextractor would write the current time (and nothing for words that it does not know), so the
same dump would give different text every minute.

A template with a computed name (`{{ {{lc:X}}CURRENTYEAR}}`) could form such a word during
expansion. Its name is replaced by an unknown one, and wikiextractor removes it. The same happens to
calls that fill memory or take hours, because MediaWiki bounds them but wikiextractor does not:
`#replace`, `{{padleft:x|9999}}`, `{{#expr:9**9**9}}`.
"""

import re
from datetime import date

from xlm.corpus.wikipedia.markup.date_names import date_names
from xlm.corpus.wikipedia.markup.marks import has_mark

_CALL = re.compile(
    r"\{\{\s*(?:(?:safe)?subst:\s*)?((?:CURRENT|LOCAL)[A-Z]+[12]?)\s*(?:\|[^{}]*)?\}\}",
    re.IGNORECASE,
)
_COMPUTED_NAME = re.compile(
    r"\{\{(?=[^{}|:\[\]]{0,200}\{\{|\s*#replace\s*:|\s*#(?:if)?expr\s*:[^{}]*\*\s*\*"
    r"|\s*pad(?:left|right)\s*:(?![^{}|]*\|\s*\d{1,3}\s*(?:\||\}\})))",
    re.IGNORECASE,
)
_UNKNOWN_NAME = "{{Xlm computed name|"
_KNOWN_TO_WIKIEXTRACTOR = ("year", "month", "day", "time", "hour")


def has_date_words(text: str) -> bool:
    """Whether `text` may contain a date word or a call with a computed name."""
    return has_mark(text, "{{") and (
        _CALL.search(text) is not None or _COMPUTED_NAME.search(text) is not None
    )


def replace_date_words(
    text: str, dump_date: str, language: str, *, disable_computed_names: bool
) -> str:
    """Replace the date words of `text`.

    Args:
        dump_date: YYYYMMDD; the time of day is midnight, UTC.
        disable_computed_names: also disable calls with computed names.
    """
    words = _words(dump_date, language)

    def value(match: re.Match[str]) -> str:
        word = match[1]
        kind = word.upper().removeprefix("CURRENT").removeprefix("LOCAL")
        if word != word.upper() and kind.lower() in _KNOWN_TO_WIKIEXTRACTOR:
            # Date words are upper case; in another case it is a template, which is not expanded.
            return ""
        return words.get(kind, match[0]) if word == word.upper() else match[0]

    text = _CALL.sub(value, text)
    return _COMPUTED_NAME.sub(_UNKNOWN_NAME, text) if disable_computed_names else text


def _words(dump_date: str, language: str) -> dict[str, str]:
    day = date(int(dump_date[:4]), int(dump_date[4:6]), int(dump_date[6:]))
    return {
        "YEAR": f"{day.year}",
        "MONTH": f"{day.month:02}",
        "MONTH1": f"{day.month}",
        "MONTH2": f"{day.month:02}",
        "DAY": f"{day.day}",
        "DAY2": f"{day.day:02}",
        "DOW": f"{day.isoweekday() % 7}",
        "WEEK": f"{day.isocalendar().week}",
        "TIME": "00:00",
        "HOUR": "00",
        "TIMESTAMP": f"{dump_date}000000",
        **date_names(language, day.month, day.isoweekday() % 7),
    }
