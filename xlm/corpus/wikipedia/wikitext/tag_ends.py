"""Finds where tags end, in linear time even on pages of unclosed tags and quotes."""

import re

_MARK = re.compile("[\"'>]")
_MAX_FAILURES = 100
"""So many tags may have quotes that hide every following `>`; then quotes are not read anymore."""


class TagEnds:
    """The ends of the tags of one text, searched in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last = text.rfind(">")
        self._unpaired = {'"': len(text), "'": len(text)}
        """From here on, there is no further quote of this kind."""
        self._failures = 0

    def quoted(self, position: int) -> int:
        """The position after the next `>` outside quotes; -1 if there is none.

        A quote without a partner anywhere in the text is an ordinary character.
        """
        text = self._text
        if position > self._last:
            return -1
        end = text.find(">", position) + 1
        attributes = text[position:end]
        if ('"' not in attributes and "'" not in attributes) or self._failures > _MAX_FAILURES:
            return end
        while mark := _MARK.search(text, position):
            position = mark.end()
            if mark[0] == ">":
                return position
            if position < self._unpaired[mark[0]]:
                closing = text.find(mark[0], position)
                if closing < 0:
                    self._unpaired[mark[0]] = position
                else:
                    position = closing + 1
        self._failures += 1
        return -1
