"""What the readers of TSV, JSON lines and Parquet share: rows of strings, and their faults.

    table = open_table(part, path, ("sw",))
    for (text,) in table.rows(): ...
    table.require_readable(0.01)

A null is an empty string. A row that lacks a column, or has a value that is not text, is malformed:
it is counted and left out.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.text_lines import TextLines, open_text
from xlm.errors import DataError

Row = tuple[str, ...]
"""One string for each requested column."""
_SHOWN_NAMES = 12
_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Columns:
    """The requested columns; each has one or more names, of which the first present one counts."""

    names: tuple[tuple[int | str, ...], ...]
    header: bool = False
    """Whether the first line of a TSV file contains names of columns."""


class Table:
    """One file with columns; subclasses read the formats."""

    def __init__(self, path: Path, columns: Columns, language: str) -> None:
        self.path, self.columns = path, columns
        self.name = path.name
        self.language = language
        self.text = self._open()
        """The lines of the file, or the values of a binary one, and their faults."""
        self.malformed = 0
        self.first_malformed = ""
        """Where the first malformed row is, and what is wrong with it."""
        self.max_malformed = math.inf
        """Malformed rows after which reading stops with an error."""

    def rows(self) -> Iterator[Row]:
        """All rows that are well formed, in the order of the file.

        Raises:
            DataError: a column does not exist, or the file is damaged.
        """
        raise NotImplementedError

    def lines(self) -> Iterator[str]:
        """The lines of the first column; a value may have several."""
        for row in self.rows():
            yield from lines_of(row[0])

    def warnings(self) -> Iterator[str]:
        """What is wrong with the file, after the last row; one line each."""
        faults = self.text.faults
        if faults.bad:
            yield (
                f"{self.path}: {faults.bad:,} of {faults.lines:,} lines are not plain UTF-8; their "
                "bad bytes become U+FFFD"
            )
        if self.malformed:
            yield f"{self.path}: {self.malformed:,} rows are left out; {self.first_malformed}"

    def require_readable(self, max_bad_lines: float) -> None:
        """Check the counts after the last row.

        Raises:
            DataError: more than the share `max_bad_lines` of the rows is malformed, or of the
                lines is not plain UTF-8.
        """
        total = max(self.text.faults.lines, self.malformed)
        if self.malformed > max_bad_lines * total:
            raise DataError(
                f"{self.path}: {self.malformed:,} of {total:,} rows cannot be used; "
                f"{self.first_malformed}",
                fix="check the file and the columns, or raise sources.max_bad_lines "
                f"(now {max_bad_lines:g})",
            )
        self.text.require_readable(max_bad_lines)

    def refuse(self, line: int, what: str) -> None:
        """Count a malformed row; the error describes the first one.

        Raises:
            DataError: there are more than `max_malformed`.
        """
        self.malformed += 1
        self.first_malformed = self.first_malformed or f"line {line:,}: {what}"
        if self.malformed > self.max_malformed:
            self.require_readable(0)

    def no_column(self, wanted: str, names: list[str]) -> DataError:
        """The error for a column that does not exist."""
        return DataError(
            f"{self.path} has no column {wanted}; it has {listed(names)}", fix="name one of them"
        )

    def _open(self) -> TextLines:
        return open_text(partial(open_plain, self.path), str(self.path), self.language)


def lines_of(value: str) -> list[str]:
    """The lines of a value."""
    return _BREAK.split(value) if "\n" in value or "\r" in value else [value]


def listed(names: list[str]) -> str:
    """The names of columns for an error, shortened."""
    shown = [name if name.isprintable() else repr(name) for name in names[:_SHOWN_NAMES]]
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return (", ".join(one[:40] for one in shown) or "none") + more
