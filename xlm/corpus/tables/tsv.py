"""Reads columns of a file with tab-separated columns; quotes are part of the text."""

from collections.abc import Iterator, Sequence

from xlm.corpus.tables.table import Row, Table


class TsvTable(Table):
    """A TSV file, plain or compressed. Empty lines are skipped."""

    def rows(self) -> Iterator[Row]:
        """All rows with enough columns."""
        lines = self.text.lines()
        numbers = [one for names in self.columns.names for one in names[:1]]
        first = 1
        if self.columns.header:
            names = self.text.decode(next(lines, b"")).split("\t")
            positions = [self._position(wanted, names) for wanted in self.columns.names]
            first = 2
        else:
            positions = [int(number) - 1 for number in numbers]
        for number, line in enumerate(lines, first):
            fields = self.text.decode(line).split("\t")
            if fields == [""]:
                continue
            if len(fields) <= max(positions):
                self.refuse(number, f"{_columns(len(fields))}, not {max(positions) + 1}")
                continue
            yield tuple(fields[position] for position in positions)

    def _position(self, wanted: Sequence[int | str], names: list[str]) -> int:
        for one in wanted:
            if isinstance(one, int):
                return one - 1
            if one in names:
                return names.index(one)
        raise self.no_column(" or ".join(repr(one) for one in wanted), names)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
