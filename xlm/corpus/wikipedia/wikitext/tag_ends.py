"""Finds where tags end, in linear time even on pages of unclosed tags and quotes."""

import re

_MARK = re.compile("[\"'>]")
_MAX_FAILURES = 100
"""So many tags may have quotes that hide every following `>`; then quotes are not read anymore."""


class TagEnds:
    """The ends of the tags of one text, searched in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._unpaired = {'"': len(text), "'": len(text)}
        """From here on, there is no further quote of this kind."""
        self._failures = 0
        self._end = 0
        """The position after the last `>` that was found; -1 if there is no further one."""
        self._last_quote = -1
        self._empty_end = -1
        self._is_empty = False

    def quoted(self, position: int) -> int:
        """The position after the next `>` outside quotes; -1 if there is none.

        A quote without a partner anywhere in the text is an ordinary character.
        """
        text = self._text
        if 0 <= self._end <= position:
            self._end = text.find(">", position) + 1 or -1
            self._last_quote = max(
                text.rfind('"', position, self._end), text.rfind("'", position, self._end)
            )
        if self._end < 0 or self._last_quote < position or self._failures > _MAX_FAILURES:
            return self._end
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

    def closes_itself(self, end: int) -> bool:
        """Whether the tag with this end has a slash before its `>`, as in `<ref />`."""
        if end != self._empty_end:
            slash = end - 2
            while self._text[slash].isspace():
                slash -= 1
            self._empty_end, self._is_empty = end, self._text[slash] == "/"
        return self._is_empty
