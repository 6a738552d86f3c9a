"""What the readers of TSV, CSV, JSON lines and Parquet share: rows of strings, and their faults.

    table = open_table(part, path, ("sw",))
    for (text,) in table.rows(): ...
    table.require_readable(0.01)

A null is an empty string. A row that lacks a column, or has a value that is not text, is malformed:
it is counted and left out. In a strict table, the first fault is an error:

    for place, (sentence, label) in open_format("csv", path, columns, "sw").strict_rows(): ...
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.encodings import DAMAGED, likely_encoding
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
    """Whether the first line of a TSV or CSV file contains names of columns."""
    strict: bool = False
    """Whether the first fault is an error: a line that is not UTF-8, another number of fields than
    the header has, or no value. Numbers are then text."""
    fix: str = "name one of them"
    """What to do if a column does not exist."""


class Table:
    """One file with columns; subclasses read the formats."""

    unit: ClassVar[str] = "line"
    """What is counted to say where a row is."""

    def __init__(self, path: Path, columns: Columns, language: str) -> None:
        self.path, self.columns = path, columns
        self.name = path.name
        self.language = language
        self.text = self._open()
        """The lines of the file, or the values of a binary one, and their faults."""
        self.number = 0
        """Number of the last line or row that was read, from 1."""
        self.malformed = 0
        self.first_malformed = ""
        """Where the first malformed row is, and what is wrong with it."""
        self.max_malformed = math.inf
        """Malformed rows after which reading stops with an error."""

    def rows(self) -> Iterator[Row]:
        """All rows that are well formed, in the order of the file.

        Raises:
            DataError: a column does not exist, or the file is damaged; in a strict table, a row
                is malformed.
        """
        raise NotImplementedError

    def column_names(self) -> list[str]:
        """The names of the columns, by reading the start of a file with a header.

        Raises:
            DataError: the file is damaged.
        """
        raise NotImplementedError

    def strict_rows(self) -> Iterator[tuple[str, Row]]:
        """All rows of a strict table with their places, as `FILE, line 3`.

        Raises:
            DataError: as `rows`, or a line is not UTF-8.
        """
        for row in self.rows():
            self.require_plain()
            yield self._place, row

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
            rows = "1 row is" if self.malformed == 1 else f"{self.malformed:,} rows are"
            yield f"{self.path}: {rows} left out; {self.first_malformed}"

    def require_readable(self, max_bad_lines: float) -> None:
        """Check the counts after the last row.

        Raises:
            DataError: more than the share `max_bad_lines` of the rows is malformed, or of the
                lines is not plain UTF-8.
        """
        total = max(self.text.faults.lines, self.malformed)
        if self.malformed > max_bad_lines * total:
            raise self._unusable(f", or raise sources.max_bad_lines (now {max_bad_lines:g})")
        self.text.require_readable(max_bad_lines)

    def refuse(self, what: str, fix: str = "correct the row, or remove it") -> None:
        """Count a malformed row; the error describes the first one.

        Raises:
            DataError: there are more than `max_malformed`, or the table is strict.
        """
        if self.columns.strict:
            raise self.error(what, fix)
        self.malformed += 1
        self.first_malformed = self.first_malformed or f"line {self.number:,}: {what}"
        if self.malformed > self.max_malformed:
            raise self._unusable()

    def _unusable(self, or_else: str = "") -> DataError:
        """The error for a file with too many malformed rows."""
        total = max(self.text.faults.lines, self.malformed)
        return DataError(
            f"{self.path}: {self.malformed:,} of {total:,} rows cannot be used; "
            f"{self.first_malformed}",
            fix=f"check the file and the columns{or_else}",
        )

    def error(self, what: str, fix: str) -> DataError:
        """The error for the current row.

        Raises:
            DataError: the table is strict, and the row is not UTF-8.
        """
        self.require_plain()
        return DataError(f"{self._place}: {what}", fix=fix)

    def strict_text(self, name: str, value: object) -> str:
        """The text of a value of a strict table.

        Raises:
            DataError: there is no value, or it is a list or an object.
        """
        if value is None or (isinstance(value, float) and math.isnan(value)):
            raise self.error(f"{name} has no value", fix="remove the row, or add the value")
        if isinstance(value, dict | list):
            raise self.error(f"{name} is not text", fix="use a column of text or numbers")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def no_column(self, wanted: Sequence[int | str], names: list[str]) -> DataError:
        """The error for a column that does not exist."""
        if not any(names):
            return DataError(f"{self.path}: the file is empty", fix="add a header and rows")
        return DataError(
            f"{self.path} has no column {either(wanted)}; it has {listed(names)}",
            fix=self.columns.fix,
        )

    @property
    def _place(self) -> str:
        return f"{self.path}, {self.unit} {self.number}"

    def require_plain(self) -> None:
        """Check the lines so far, if the table is strict.

        Raises:
            DataError: a line is not plain UTF-8.
        """
        faults = self.text.faults
        if not self.columns.strict or not faults.bad:
            return
        if not faults.not_utf8:
            raise DataError(f"{self._place}: a NUL character", fix="remove it (tr -d '\\0')")
        kind = likely_encoding(bytes(faults.sample), self.language)
        fix = f"convert the file, e.g. iconv -f {kind} -t UTF-8, if all its lines are {kind}"
        if kind == DAMAGED:
            fix = "repair the line, or drop the bad bytes: iconv -c -f UTF-8 -t UTF-8"
        raise DataError(f"{self._place}: not UTF-8, probably {kind}", fix=fix)

    def _open(self) -> TextLines:
        return open_text(partial(open_plain, self.path), str(self.path), self.language)


def lines_of(value: str) -> list[str]:
    """The lines of a value."""
    return _BREAK.split(value) if "\n" in value or "\r" in value else [value]


def either(names: Sequence[int | str]) -> str:
    """The names of a column for an error."""
    return " or ".join(repr(name) for name in names)


def listed(names: list[str]) -> str:
    """The names of columns for an error, shortened."""
    shown = [name if name.isprintable() else repr(name) for name in names[:_SHOWN_NAMES]]
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return (", ".join(one[:40] for one in shown) or "none") + more
