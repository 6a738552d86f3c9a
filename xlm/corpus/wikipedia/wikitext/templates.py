"""Removes templates, `{{name|argument}}`, and evaluates parser functions such as `{{lc:ABC}}`."""

import re

from xlm.corpus.wikipedia.markup.marks import has_mark
from xlm.corpus.wikipedia.wikitext.calls import arguments, outermost_calls
from xlm.corpus.wikipedia.wikitext.conditions import CONDITIONS
from xlm.corpus.wikipedia.wikitext.strings import STRINGS

_SUBSTITUTION = re.compile(r"(?:safe)?subst:", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[^:|{}]*")
_MAX_DEPTH = 100
"""Limit of nested functions, as far as Python's recursion allows safely; MediaWiki's is 40."""
_MAX_READ = 10_000_000
"""Limit for the characters of functions that are read, each once per function around it."""


class Expander:
    """Removes templates and evaluates the parser functions of one page."""

    def __init__(self, title: str, day: str) -> None:
        self._variables = {
            "!": "|",
            "pagename": title,
            "fullpagename": title,
            "currentyear": day[:4],
            "currentmonth": day[4:6],
            "currentday": day[6:].lstrip("0"),
            "currenthour": "00",
            "currenttime": "00:00",
        }
        self._depth = 0
        self._unread = _MAX_READ

    def expand(self, text: str) -> str:
        """The text without calls."""
        if not has_mark(text, "{{"):
            return text
        kept: list[str] = []
        done = 0
        for start, end, braces in outermost_calls(text):
            kept.append(text[done:start])
            done = end
            if braces == 2 and (value := self._value(text, start + 2, end - 2)):
                kept.append(value)
        return "".join([*kept, text[done:]]) if done else text

    def _value(self, text: str, start: int, end: int) -> str:
        """The value of a call; most are templates, whose arguments need not be read."""
        name_end = _PLAIN_NAME.match(text, start, end).end()  # type: ignore[union-attr]
        if name_end == end or text[name_end] == "|":
            return self._variables.get(text[start:name_end].strip().lower(), "")
        self._unread -= end - start
        if self._depth >= _MAX_DEPTH or self._unread < 0:
            return ""
        self._depth += 1
        try:
            return self._call(arguments(text[start:end]))
        finally:
            self._depth -= 1

    def _call(self, parts: list[str]) -> str:
        name = self.expand(parts[0]).strip()
        if prefix := _SUBSTITUTION.match(name):
            name = name[prefix.end() :]
        function, colon, first = name.partition(":")
        if not colon:
            return self._variables.get(name.lower(), "")
        values = [first, *parts[1:]]
        if condition := CONDITIONS.get(function):
            return condition(values, self.expand)
        if string := STRINGS.get(function):
            return string([self.expand(value) for value in values])
        return ""
