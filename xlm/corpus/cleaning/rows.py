"""What a cleaner is: it says of one row, a line or an aligned pair, whether it is kept.

cleaner = TooShort(3)
cleaner.keep(("Habari ya asubuhi",))     # True
cleaner.detail(("Ha",))                  # "2 characters"
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from xlm.corpus.text_files.line_ranges import LineRange, rows_of

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


def read_rows(lines: LineRange) -> Iterator[Row]:
    """The rows of a range, as text."""
    return (tuple(side.decode("utf-8") for side in row) for row in rows_of(lines))


def as_options(lines: LineRange) -> dict[str, Any]:
    """A range as options of a `FileJob`, without its paths, which are the sources of the job."""
    positions = [[start, skipped] for _, start, skipped in lines.columns]
    return {"first": lines.first, "lines": lines.lines, "positions": positions}


def from_options(options: Mapping[str, Any], sources: Sequence[Path]) -> LineRange:
    """The inverse of `as_options`."""
    columns = tuple(
        (str(path), start, skipped)
        for path, (start, skipped) in zip(sources, options["positions"], strict=True)
    )
    return LineRange(options["first"], options["lines"], columns)
