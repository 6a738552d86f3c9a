"""A table of text, for the model card, the UI and the terminal."""

from collections.abc import Sequence
from typing import NamedTuple

from xlm.display.markdown import ABSENT


class Table(NamedTuple):
    """A table with a title; the first column holds names, the others values."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def without_empty_columns(
    title: str, header: Sequence[str], cells: Sequence[Sequence[str]]
) -> Table:
    """A table of the columns that have a value in any row."""
    columns = [
        column
        for column in range(len(header))
        if any(line[column] not in ("", ABSENT) for line in cells)
    ]
    rows = tuple(tuple(line[column] for column in columns) for line in cells)
    return Table(title, tuple(header[column] for column in columns), rows)


def task_name(task: str) -> str:
    """The name of a task at the beginning of a title."""
    return task[0].upper() + task[1:]
