"""Finds where tags end, in linear time even on pages of unclosed tags and quotes."""

import re

_MARK = re.compile("[\"'>]")
_MAX_FAILURES = 100
"""So many tags may have quotes that hide every following `>`; then quotes are not read anymore."""
_MANY = 8
"""Quotes before the end of a tag; for so many, the end is kept for the tags among them."""


class TagEnds:
    """The ends of the tags of one text, searched in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._unpaired = {'"': len(text), "'": len(text)}
        """From here on, there is no further quote of this kind."""
        self._failures = 0
        self._ends: dict[int, int] = {}
        """Position of a quote that opens inside a tag, to the end of the tag."""
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
        end, passed = -1, []
        while mark := _MARK.search(text, position):
            start, position = mark.span()
            if mark[0] == ">":
                end = position
                break
            if start in self._ends:
                end = self._ends[start]
                break
            passed.append(start)
            if position < self._unpaired[mark[0]]:
                closing = text.find(mark[0], position)
                if closing < 0:
                    self._unpaired[mark[0]] = position
                else:
                    position = closing + 1
        if len(passed) > _MANY:
            self._ends.update(dict.fromkeys(passed, end))
        self._failures += end < 0
        return end

    def closes_itself(self, end: int) -> bool:
        """Whether the tag with this end has a slash before its `>`, as in `<ref />`."""
        if end != self._empty_end:
            slash = end - 2
            while self._text[slash].isspace():
                slash -= 1
            self._empty_end, self._is_empty = end, self._text[slash] == "/"
        return self._is_empty
