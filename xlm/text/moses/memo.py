"""A cache of strings: most words of a text occurred before."""

from collections.abc import Callable

MAX_ENTRIES = 40_000
"""Two generations of so many entries take about 15 MB, which 10 MB of text already fill."""
MAX_CHARACTERS = 48
"""Longer strings are not cached, because they rarely occur again."""


class Memo(dict[str, str]):
    """A dictionary that computes missing values with a pure function of strings.

    When it is full it becomes the older generation, and what is used again returns from there. So
    frequent words stay, however long the text is.

    Args:
        function: computes a missing value.
        entries: limit of each of the two generations.
    """

    def __init__(self, function: Callable[[str], str], entries: int = MAX_ENTRIES) -> None:
        super().__init__()
        self._function, self._entries = function, entries
        self._older: dict[str, str] = {}

    def __missing__(self, key: str) -> str:
        value = self._older.get(key)
        if value is None:
            value = self._function(key)
        if len(key) <= MAX_CHARACTERS:
            if len(self) >= self._entries:
                self._older = dict(self)
                self.clear()
            self[key] = value
        return value
