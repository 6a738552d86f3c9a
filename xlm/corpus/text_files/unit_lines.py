"""The lines of a language or pair: the files of its text, cut into ranges for the workers.

ranges = lines_of_unit(context, ("en", "sw"), [folder])     # counted in the workers
rows = rows_of(ranges[3])
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlm.corpus.text_files.line_ranges import (
    CHUNK_BYTES,
    Column,
    LineRange,
    chunks,
    count_lines,
    line_ranges,
)
from xlm.engine.stage import StageContext
from xlm.errors import DataError
from xlm.store.manifest import listed_files


def lines_of_unit(
    context: StageContext[Any], languages: Sequence[str], texts: Sequence[Path]
) -> list[LineRange]:
    """All lines of a unit, in ranges.

    Args:
        languages: one language, or the two of a pair.
        texts: folders with the text of the unit, one after another.

    Raises:
        DataError: the sides of a pair have different numbers of lines.
        StoreError: the manifest of a folder cannot be read.
    """
    ranges: list[LineRange] = []
    first = 0
    for paths in (paths for text in texts for paths in _files(text, languages)):
        columns = [_column(context, path) for path in paths]
        if len({column.lines for column in columns}) > 1:
            names = " and ".join(column.path.name for column in columns)
            raise DataError(
                f"{context.unit}: {names} have different numbers of lines",
                fix="rebuild with --refresh extract-parallel",
            )
        ranges += line_ranges(columns, first)
        first += columns[0].lines
    return ranges


def _column(context: StageContext[Any], path: Path) -> Column:
    counts = list(context.mapper.map(count_lines, chunks(path, CHUNK_BYTES)))
    return Column.of(path, counts, CHUNK_BYTES)


def _files(text: Path, languages: Sequence[str]) -> list[list[Path]]:
    """The files of a folder, in order; for a pair, both sides together."""
    if len(languages) == 1:
        return [[path] for path in listed_files(text, "text*.txt")]
    return [[text / f"text.{code}.txt" for code in languages]]
