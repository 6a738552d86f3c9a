"""Opens labelled files: tables with a header, in which the first fault is an error.

column_names(Path("dev.csv"), "sw")                     # ["id", "sentence", "label"]
table = open_labelled(Path("dev.csv"), ["sentence", "label"], "sw")
for where, (sentence, label) in table.strict_rows(): ...
"""

from collections.abc import Sequence
from pathlib import Path

from xlm.config.data.tasks import file_format
from xlm.corpus.tables.opening import open_format
from xlm.corpus.tables.table import Columns, Table


def open_labelled(
    path: Path, columns: Sequence[str], language: str, fix: str = "name one of them"
) -> Table:
    """Open a labelled file, plain or compressed.

    Args:
        language: language of the text, to guess its encoding if it is not UTF-8.
        fix: what to do if a column does not exist.

    Raises:
        DataError: the file is damaged or is not UTF-8.
    """
    names = tuple((name,) for name in columns)
    wanted = Columns(names, header=True, strict=True, fix=fix)
    return open_format(file_format(path), path, wanted, language)


def column_names(path: Path, language: str) -> list[str]:
    """The names of the columns; in JSON lines, those of the first object.

    Args:
        language: as in `open_labelled`.

    Raises:
        DataError: the file is damaged or is empty.
    """
    table = open_labelled(path, (), language)
    names = table.column_names()
    if not any(names):
        raise table.no_column((), names)
    return names
