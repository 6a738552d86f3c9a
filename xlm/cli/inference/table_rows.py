"""The rows that `xlm predict` reads from .csv, .jsonl and .parquet files, by the names of columns.

    for where, row in TableRows.of(Path("rows.jsonl"), language="sw", sentences=2): ...

The columns are those that `xlm.cli.inference.rows` knows; others are ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlm.cli.inference.rows import Row, columns_by_name, row_of
from xlm.config.data.tasks import file_format
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.labelled.tables import column_names, open_labelled
from xlm.errors import DataError

TABLE_FORMATS = ("csv", "jsonl", "parquet")


def is_table(path: Path) -> bool:
    """Whether a file has one of these formats, by its name."""
    return file_format(path) in TABLE_FORMATS


@dataclass(frozen=True)
class TableRows:
    """The rows of a file; it is read again for each iteration."""

    path: Path
    columns: dict[str, str]
    """What the columns contain ("text", "second text", "language"), and their names."""
    language: str | None
    """The language of all rows; None: each row has its own."""

    @classmethod
    def of(cls, path: Path, *, language: str | None, sentences: int | None) -> "TableRows":
        """Find the columns.

        Args:
            sentences: texts that the model takes, 1 or 2; None: as many as there are columns for.

        Raises:
            DataError: the file is damaged, or a column is missing.
        """
        names = column_names(path, ENGLISH)
        columns = columns_by_name(
            [name.strip().lower() for name in names],
            where=str(path),
            has_language=language is None,
            sentences=sentences,
        )
        if not columns:
            raise DataError(
                f"{path} has no column of texts; it has {', '.join(names)[:300]}",
                fix="name it text, or premise and hypothesis",
            )
        return cls(path, {column: names[place] for column, place in columns.items()}, language)

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Yield where each row is, and the row.

        Raises:
            DataError: a row is damaged, or a value is missing.
        """
        table = open_labelled(self.path, list(self.columns.values()), ENGLISH)
        for where, values in table.strict_rows():
            row = row_of(dict(zip(self.columns, values, strict=True)), where, self.language)
            yield where, row
