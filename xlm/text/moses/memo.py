"""Results remembered: most of a text is words that were seen before."""

from collections.abc import Callable

ENTRIES = 1 << 17
"""Some 30 MB; a full memo is emptied, and what is frequent is soon back."""
LONGEST = 48
"""Characters; what is longer is rarely met again."""


class Memo(dict[str, str]):
    """A pure function of short strings as a dictionary that fills itself."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: str) -> str:
        value = self._function(key)
        if len(key) <= LONGEST:
            if len(self) >= ENTRIES:
                self.clear()
            self[key] = value
        return value
