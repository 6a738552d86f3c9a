"""Reads columns of a TSV file, whose quotes are text, or of a CSV file with quotes (RFC 4180)."""

import csv
from collections.abc import Iterator, Sequence

from xlm.corpus.tables.table import Row, Table
from xlm.errors import DataError


class TsvTable(Table):
    """A TSV file, plain or compressed. Empty lines are skipped, unless the table is strict."""

    def rows(self) -> Iterator[Row]:
        """All rows with enough columns."""
        records = self.records()
        width = 0
        if self.columns.header:
            header = next(records, [])
            width = len(header)
            positions = [self._position(wanted, header) for wanted in self.columns.names]
        else:
            positions = [int(names[0]) - 1 for names in self.columns.names]
        needed = max(positions) + 1
        for fields in records:
            if self.columns.strict and fields == [""]:
                self.refuse("the line is empty", fix="remove it")
            if self.columns.strict and len(fields) != width:
                self.refuse(
                    f"{_columns(len(fields))}, but the header has {width}",
                    fix="give each row the columns of the header, without separators in the text",
                )
            if len(fields) < needed:
                self.refuse(f"{_columns(len(fields))}, not {needed}")
                continue
            yield tuple(fields[position] for position in positions)

    def column_names(self) -> list[str]:
        """The fields of the first line."""
        names = next(self.records(), [])
        self.require_plain()
        return [name.strip() for name in names]

    def records(self) -> Iterator[list[str]]:
        """The fields of each line, the header first."""
        for number, line in enumerate(self.text.lines(), 1):
            self.number = number
            fields = self.text.decode(line).split("\t")
            if fields != [""] or self.columns.strict:
                yield fields

    def _position(self, wanted: Sequence[int | str], header: list[str]) -> int:
        for names in (header, [name.strip() for name in header]):
            for one in wanted:
                if isinstance(one, int):
                    return one - 1
                if names.count(one) > 1:
                    raise DataError(
                        f"{self.path} has two columns {one!r}", fix="rename one of them"
                    )
                if one in names:
                    return names.index(one)
        raise self.no_column(wanted, header)


class CsvTable(TsvTable):
    """A CSV file, plain or compressed. Empty lines are skipped; a quoted field may have lines."""

    def records(self) -> Iterator[list[str]]:
        # csv joins the lines of a quoted field, so it needs the line ends.
        lines = (f"{self.text.decode(line)}\n" for line in self.text.lines())
        reader = csv.reader(lines, strict=True)
        try:
            for fields in reader:
                self.number = reader.line_num
                if fields:
                    yield fields
        except csv.Error as error:
            self.number = reader.line_num
            raise self.error(
                f"not CSV: {error}",
                fix="quote fields that contain commas, quotes or line breaks",
            ) from None


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
