"""Checks the first rows of a local file before a run, so that most mistakes are found at once."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.corpus.tables.opening import open_table
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.own.parts import Part

_PROBED_ROWS = 500
_SURELY_BAD = 0.5
"""Fraction of bad rows at the start of a file above which the whole file is not read first."""


def probe_rows(part: "Part", path: Path, languages: Sequence[str], max_bad_lines: float) -> None:
    """Read the first rows of a file.

    Args:
        languages: languages of the rows: one, or the two of a pair.
        max_bad_lines: fraction of damaged rows that the complete file may have.

    Raises:
        DataError: the file is damaged, is not UTF-8, lacks a column or has no text.
    """
    table = open_table(part, path, languages)
    table.max_malformed = _PROBED_ROWS
    rows = list(islice(table.rows(), _PROBED_ROWS))
    is_complete = len(rows) < _PROBED_ROWS
    table.require_readable(max_bad_lines if is_complete else max(max_bad_lines, _SURELY_BAD))
    if is_complete and not any(all(value.strip() for value in row) for row in rows):
        what = "no text" if len(languages) == 1 else "no row with text in both languages"
        raise DataError(f"{path} has {what}", fix="check the file and its columns")
