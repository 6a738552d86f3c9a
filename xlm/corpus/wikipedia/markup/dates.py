"""Puts the date of the dump in place of MediaWiki's date words, `{{CURRENTYEAR}}` and its like.

wikiextractor would write the time of its run (and nothing for the words that it does not know), so
that the same dump gave other text each minute. A template whose name is itself computed
(`{{ {{lc:X}}CURRENTYEAR}}`) could form such a word late; its name is spoiled, and the program
removes it like any template that it does not know. So are calls that MediaWiki does not know or
bounds, with which the program fills memory or computes for hours: `#replace`, `{{padleft:x|9999}}`,
`{{#expr:9**9**9}}`.
"""

import re
from datetime import date

from xlm.corpus.wikipedia.markup.date_names import date_names

_CALL = re.compile(
    r"\{\{\s*(?:(?:safe)?subst:\s*)?((?:CURRENT|LOCAL)[A-Z]+[12]?)\s*(?:\|[^{}]*)?\}\}",
    re.IGNORECASE,
)
_COMPUTED_NAME = re.compile(
    r"\{\{(?=[^{}|:\[\]]{0,200}\{\{|\s*#replace\s*:|\s*#(?:if)?expr\s*:[^{}]*\*\s*\*"
    r"|\s*pad(?:left|right)\s*:(?![^{}|]*\|\s*\d{1,3}\s*(?:\||\}\})))",
    re.IGNORECASE,
)
_SPOILED = "{{Xlm computed name|"
_KNOWN_TO_THE_PROGRAM = ("year", "month", "day", "time", "hour")


def needs_dates(text: str) -> bool:
    """Whether `text` may hold a date word or a call with a computed name."""
    return _CALL.search(text) is not None or _COMPUTED_NAME.search(text) is not None


def put_dates(text: str, dump_date: str, language: str, *, spoil_computed_names: bool) -> str:
    """Replace the date words of `text`; `dump_date` is YYYYMMDD, the time of day midnight, UTC."""
    words = _words(dump_date, language)

    def value(match: re.Match[str]) -> str:
        word = match[1]
        kind = word.upper().removeprefix("CURRENT").removeprefix("LOCAL")
        if word != word.upper() and kind.lower() in _KNOWN_TO_THE_PROGRAM:
            # MediaWiki's words are upper case: another case is a template, which is not expanded.
            return ""
        return words.get(kind, match[0]) if word == word.upper() else match[0]

    text = _CALL.sub(value, text)
    return _COMPUTED_NAME.sub(_SPOILED, text) if spoil_computed_names else text


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
