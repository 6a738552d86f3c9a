"""Stretches of wikitext that MediaWiki does not interpret: comments, `<nowiki>`, `<pre>`, code.

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


class Ends:
    """Finds closing tags; that a name has none left is found once, so time stays linear."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._none_after: dict[str, int] = {}

    def after_element(self, name: str, position: int) -> int | None:
        """The place after the next `</name>`; None if there is none."""
        if position < self._none_after.get(name, len(self._text)):
            end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, position)
            if end:
                return end.end()
            self._none_after[name] = position
        return None

    def after_code(self, position: int) -> int | None:
        """The place after the `</code>` that no `<nowiki>` encloses; None if there is none."""
        end = self.after_element("code", position)
        while end is not None and (inner := _NOWIKI.search(self._text, position, end)):
            position = self.after_element("nowiki", inner.end()) or end
            if position > end:
                end = self.after_element("code", position)
        return end

    def after_comment(self, position: int) -> int:
        """The place after the next `-->`, or the end of the text, as MediaWiki has it."""
        found = self._text.find("-->", position)
        return len(self._text) if found < 0 else found + 3


def opaque_spans(text: str) -> Iterator[tuple[int, int]]:
    """First and last place of each such stretch, its tags included, in order."""
    ends = Ends(text)
    position = 0
    while opening := OPAQUE_ELEMENT.search(text, position):
        position = opening.end()
        if not opening[1]:
            position = ends.after_comment(position)
        elif opening[2].endswith("/"):
            continue
        elif end := ends.after_element(opening[1].lower(), position):
            position = end
        else:
            continue
        yield opening.start(), position
