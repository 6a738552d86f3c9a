"""Opens a file with columns by the kind of its source."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.corpus.tables.jsonl import JsonlTable
from xlm.corpus.tables.parquet import ParquetTable
from xlm.corpus.tables.plain import LinesTable
from xlm.corpus.tables.table import Columns, Table
from xlm.corpus.tables.tsv import CsvTable, TsvTable

if TYPE_CHECKING:
    from xlm.config.data.own.parts import Part

_TABLES: dict[str, type[Table]] = {
    "text": LinesTable, "tsv": TsvTable, "csv": CsvTable, "jsonl": JsonlTable,
    "parquet": ParquetTable,
}  # fmt: skip


def open_table(part: "Part", path: Path, languages: Sequence[str]) -> Table:
    """Open a file of a source with columns.

    Args:
        languages: languages of the text; without configured columns, also their names. Hugging
            Face's translation data sets have them as fields of `translation`.

    Raises:
        DataError: the file is damaged, or is not UTF-8.
    """
    names: tuple[tuple[int | str, ...], ...] = tuple((column,) for column in part.columns)
    names = names or tuple((code, f"translation.{code}") for code in languages)
    return open_format(part.kind, path, Columns(names, part.header), languages[-1])


def open_format(kind: str, path: Path, columns: Columns, language: str) -> Table:
    """Open a file of a format: text, tsv, csv, jsonl or parquet.

    Args:
        language: language of the text, to guess its encoding if it is not UTF-8.

    Raises:
        DataError: the file is damaged, or is not UTF-8.
    """
    return _TABLES[kind](path, columns, language)
