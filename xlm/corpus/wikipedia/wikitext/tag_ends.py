"""Finds where tags end, in linear time even on pages of unclosed tags and quotes."""

import re

_MARK = re.compile("[\"'>]")
_NOWHERE = -1


class TagEnds:
    """The ends of the tags of one text, searched in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last = text.rfind(">")
        self._last_comment = text.rfind("-->")
        self._unpaired = {'"': len(text), "'": len(text)}
        """From here on, there is no further quote of this kind."""
        self._quotes_fail = False
        """Whether a tag was found whose last quote contains the last `>` of the text."""

    def plain(self, position: int) -> int:
        """The position after the next `>`; -1 if there is none."""
        return self._text.find(">", position) + 1 if position <= self._last else _NOWHERE

    def comment(self, position: int) -> int:
        """The position after the next `-->`; -1 if there is none."""
        if position > self._last_comment:
            return _NOWHERE
        return self._text.find("-->", position) + 3

    def quoted(self, position: int) -> int:
        """The position after the next `>` outside quotes; -1 if there is none.

        A quote without a partner anywhere in the text is an ordinary character.
        """
        end = self.plain(position)
        if end < 0 or self._quotes_fail:
            return end
        attributes = self._text[position:end]
        if '"' not in attributes and "'" not in attributes:
            return end
        while mark := _MARK.search(self._text, position):
            position = mark.end()
            if mark[0] == ">":
                return position
            if position < self._unpaired[mark[0]]:
                closing = self._text.find(mark[0], position)
                if closing < 0:
                    self._unpaired[mark[0]] = position
                else:
                    position = closing + 1
        self._quotes_fail = True
        return _NOWHERE

    def is_empty(self, name_end: int, end: int) -> bool:
        """Whether the tag closes itself (`<ref />`): a slash before its `>`."""
        return self._text[name_end : end - 1].rstrip().endswith("/")
