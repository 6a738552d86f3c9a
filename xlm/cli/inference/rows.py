"""The rows that `xlm predict` reads: texts and languages, separated by tabs.

    parse = RowParser("pairs.tsv", language=None, sentences=2)
    parse("A man sleeps.\\tA man is awake.\\ten", 1)

The first line may name the columns, as in XNLI's files; then other columns are ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xlm.errors import DataError

TEXT_NAMES = ("text", "sentence")
PREMISE_NAMES, HYPOTHESIS_NAMES = ("premise", "sentence1"), ("hypothesis", "sentence2")
LANGUAGE_NAMES = ("language", "lang")
"""Names that columns may have; of several, the first counts."""
_FIRST = (*PREMISE_NAMES, *TEXT_NAMES)


@dataclass(frozen=True)
class Row:
    """A text, or a pair of texts."""

    first: str
    second: str | None
    language: str


def columns_by_name(
    names: Sequence[str], *, where: str, has_language: bool, sentences: int | None
) -> dict[str, int]:
    """The columns by their names; empty: these are not names of columns.

    Args:
        names: in lower case.
        where: how errors name the header.
        has_language: whether a column names the language; otherwise it is the same for all rows.
        sentences: see `RowParser`.

    Raises:
        DataError: a column is missing, or there is one too many.
    """
    columns = {
        column: names.index(name)
        for column, known in (("text", _FIRST), ("second text", HYPOTHESIS_NAMES))
        for name in reversed(known)
        if name in names
    }
    if "text" not in columns:
        return {}
    places = [names.index(name) for name in LANGUAGE_NAMES if name in names]
    if has_language:
        if not places:
            raise DataError(f"{where} has no column `language`", fix="add it, or pass --lang")
        columns["language"] = places[0]
    elif places:
        raise DataError(f"{where} has a column `language`", fix="leave out --lang")
    if sentences == 1:
        columns.pop("second text", None)  # a further column, as any other
    if sentences == 2 and "second text" not in columns:
        raise DataError(
            f"{where} has no column `hypothesis`",
            fix="add it: the model classifies pairs of sentences",
        )
    return columns


def row_of(values: Mapping[str, str], where: str, language: str | None) -> Row:
    """The row of these values by column.

    Args:
        language: the language of all rows; None: `values` have it.

    Raises:
        DataError: a value is empty.
    """
    for column, value in values.items():
        if not value.strip():
            raise DataError(f"{where}: the {column} is empty", fix="remove the line")
    return Row(values["text"], values.get("second text"), language or values["language"].strip())


class RowParser:
    """Parses lines; the first one decides which columns there are.

    Args:
        name: how errors name the file.
        language: the language of all rows; None: each row has its own.
        sentences: texts that the model takes, 1 or 2; None: as many as the first line has.
    """

    def __init__(self, name: str, *, language: str | None, sentences: int | None) -> None:
        self._name, self._language, self._sentences = name, language, sentences
        self._columns: Mapping[str, int] = {}
        self._width = 0

    def __call__(self, line: str, number: int) -> Row | None:
        """The row of a line; None for a line of column names.

        Raises:
            DataError: the line does not have the columns, or a field is empty.
        """
        fields = line.split("\t")
        if number == 1:
            names = [field.strip().lower() for field in fields]
            named = columns_by_name(
                names,
                where=f"{self._name}, line 1",
                has_language=self._language is None,
                sentences=self._sentences,
            )
            self._columns = named or self._by_position(len(fields))
            self._width = len(fields)
            if named:
                return None
        if len(fields) != self._width:
            raise DataError(
                f"{self._name}, line {number} has {len(fields)} fields, not {self._width}",
                fix="separate fields by one tab, without tabs in the text",
            )
        values = {column: fields[place] for column, place in self._columns.items()}
        return row_of(values, f"{self._name}, line {number}", self._language)

    def _by_position(self, width: int) -> dict[str, int]:
        last = [] if self._language else ["language"]
        single, pair = ["text", *last], ["text", "second text", *last]
        allowed = {1: [single], 2: [pair], None: [single, pair]}[self._sentences]
        for columns in allowed:
            if width == len(columns):
                return {column: place for place, column in enumerate(columns)}
        needed = allowed[-1]
        shown = {} if needed is single else {"text": "premise", "second text": "hypothesis"}
        raise self._problem(
            f"has {width} field{'s' * (width != 1)}, not {len(needed)}",
            f"write {', '.join(shown.get(column, column) for column in needed)}"
            + (", separated by tabs" if len(needed) > 1 else " alone")
            + (" (or pass --lang)" if last else ""),
        )

    def _problem(self, what: str, fix: str) -> DataError:
        return DataError(f"{self._name}, line 1 {what}", fix=fix)
