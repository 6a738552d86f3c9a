"""Finds the parts of wikitext that MediaWiki does not interpret: comments, `<nowiki>`, code.

opaque_spans("a <nowiki>-{b}-</nowiki> c")     # yields (2, 24)
"""

import re
from collections.abc import Iterator

OPAQUE = frozenset(("nowiki", "pre", "code", "syntaxhighlight", "source", "math"))
OPAQUE_ELEMENT = re.compile(
    rf"<!--|<({'|'.join(sorted(OPAQUE))})(?=[\s/>])([^<>]*)>", re.IGNORECASE
)
"""A comment, or the opening tag of such an element: its name and its attributes."""
_NOWIKI = re.compile(r"<nowiki\s*>", re.IGNORECASE)


class ClosingTags:
    """Finds closing tags in linear time: it remembers names without a further closing tag."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last_search: dict[str, int] = {}

    def after_element(self, name: str, position: int) -> int | None:
        """The position after the next `</name>`; None if there is none."""
        if position < self._last_search.get(name, len(self._text)):
            end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, position)
            if end:
                return end.end()
            self._last_search[name] = position
        return None

    def after_code(self, position: int) -> int | None:
        """The position after the next `</code>` outside `<nowiki>`; None if there is none."""
        end = self.after_element("code", position)
        while end is not None and (inner := _NOWIKI.search(self._text, position, end)):
            position = self.after_element("nowiki", inner.end()) or end
            if position > end:
                end = self.after_element("code", position)
        return end

    def after_comment(self, position: int) -> int:
        """The position after the next `-->`; without one the comment ends with the text."""
        found = self._text.find("-->", position)
        return len(self._text) if found < 0 else found + 3


def opaque_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each such part in order, including its tags."""
    closing = ClosingTags(text)
    position = 0
    while opening := OPAQUE_ELEMENT.search(text, position):
        position = opening.end()
        if not opening[1]:
            position = closing.after_comment(position)
        elif opening[2].endswith("/"):
            continue
        elif end := closing.after_element(opening[1].lower(), position):
            position = end
        else:
            continue
        yield opening.start(), position
