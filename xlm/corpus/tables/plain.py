"""Reads the lines of a plain text as a table with one column."""

from collections.abc import Iterator

from xlm.corpus.tables.table import Row, Table


class LinesTable(Table):
    """A text file, plain or compressed."""

    def rows(self) -> Iterator[Row]:
        """All lines."""
        return ((line,) for line in self.lines())

    def lines(self) -> Iterator[str]:
        """All lines; a CR inside of a line stays."""
        return map(self.text.decode, self.text.lines())
