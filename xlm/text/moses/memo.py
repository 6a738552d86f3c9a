"""A cache of strings: most words of a text occurred before."""

from collections.abc import Callable

MAX_ENTRIES = 1 << 17
"""About 30 MB. A full memo is cleared; frequent words soon return."""
MAX_CHARACTERS = 48
"""Longer strings are not cached, because they rarely occur again."""


class Memo(dict[str, str]):
    """A dictionary that computes missing values with a pure function of strings."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: str) -> str:
        value = self._function(key)
        if len(key) <= MAX_CHARACTERS:
            if len(self) >= MAX_ENTRIES:
                self.clear()
            self[key] = value
        return value
