"""What a cleaner is: it says of one row, a line or an aligned pair, whether it is kept.

cleaner = Length(min_characters=3, max_characters=None)
cleaner.keep(("Habari ya asubuhi",))     # True
cleaner.detail(("Ha",))                  # "2 characters"
"""

from typing import Protocol

Row = tuple[str, ...]
"""One line of monolingual text, or the aligned lines of a pair."""


class RowCleaner(Protocol):
    """Judges each row by itself."""

    reason: str
    """Name of the reason in counts and samples: `too_short`."""

    def keep(self, row: Row) -> bool:
        """Whether the row is kept."""
        ...

    def detail(self, row: Row) -> str:
        """What was found in a row that is not kept, for people."""
        ...
