"""Cuts the text of a unit into ranges of lines, which several processes read at once.

    counted = [count_lines(chunk) for chunk in chunks(path, 32 << 20)]     # in the workers
    column = Column.of(path, counted, 32 << 20)
    ranges = line_ranges([column], first=0)
    for row in rows_of(ranges[3]): ...

A chunk is a range of bytes; its lines are those that start in it. The ranges of a pair are the
chunks of its first side, and the lines of the other side with the same numbers.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import IO

Row = tuple[bytes, ...]
"""The texts of a line in each column, without newlines."""

CHUNK_BYTES = 32 << 20
"""In memory, the rows of a chunk take about four times as much."""
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """The bytes `start` to `end` of a file."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True)
class Column:
    """A text file and where its lines are."""

    path: Path
    chunk_bytes: int
    first_lines: tuple[int, ...]
    """The number of the first line of each chunk, and the number of all lines."""

    @classmethod
    def of(cls, path: Path, counts: Sequence[int], chunk_bytes: int) -> "Column":
        """A column with `counts` lines in its chunks."""
        return cls(path, chunk_bytes, tuple(accumulate(counts, initial=0)))

    @property
    def lines(self) -> int:
        """The number of lines."""
        return self.first_lines[-1]

    def position(self, line: int) -> tuple[str, int, int]:
        """Path, start of a chunk, and how many of its lines come before a line."""
        chunk = bisect_right(self.first_lines, line) - 1
        return str(self.path), chunk * self.chunk_bytes, line - self.first_lines[chunk]


@dataclass(frozen=True)
class LineRange:
    """Adjacent lines of a unit."""

    first: int
    """Number of the first line in the unit."""
    lines: int
    columns: tuple[tuple[str, int, int], ...]
    """Path, a byte offset, and the number of lines to skip after it, for each column."""


def chunks(path: Path, chunk_bytes: int) -> list[Chunk]:
    """The chunks of a file; an empty file has none."""
    size_bytes = path.stat().st_size
    return [
        Chunk(path, start, min(start + chunk_bytes, size_bytes))
        for start in range(0, size_bytes, chunk_bytes)
    ]


def count_lines(chunk: Chunk) -> int:
    """The number of lines that start in a chunk."""
    # A line starts after each newline but one at the end of the file, and at the first byte.
    start, count = (0, 1) if chunk.start == 0 else (chunk.start - 1, 0)
    left = chunk.end - 1 - start
    with chunk.path.open("rb") as file:
        file.seek(start)
        while left > 0 and (part := file.read(min(left, _READ_BYTES))):
            count += part.count(b"\n")
            left -= len(part)
    return count


def lines_of_chunk(chunk: Chunk, max_bytes: int = -1) -> Iterator[bytes]:
    """The lines that start in a chunk, with their newlines; longer ones are cut."""
    with _open_at(str(chunk.path), chunk.start, 0) as file:
        position = file.tell()
        while position < chunk.end and (line := file.readline(max_bytes)):
            yield line
            position += len(line)


def line_ranges(columns: Sequence[Column], first: int) -> list[LineRange]:
    """The lines of aligned columns, by the chunks of the first one.

    Args:
        columns: columns with the same number of lines.
        first: number of the first line in the unit.
    """
    bounds = columns[0].first_lines
    return [
        LineRange(first + start, end - start, tuple(one.position(start) for one in columns))
        for start, end in pairwise(bounds)
        if end > start
    ]


def rows_of(one: LineRange) -> Iterator[Row]:
    """The rows of a range, in order."""
    with ExitStack() as stack:
        files = [stack.enter_context(_open_at(*column)) for column in one.columns]
        for lines in islice(zip(*files, strict=False), one.lines):
            yield tuple(line.removesuffix(b"\n") for line in lines)


def _open_at(path: str, start: int, skipped: int) -> IO[bytes]:
    """Open a file at the line that comes `skipped` lines after the first one from `start` on."""
    file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    if start:
        file.seek(start - 1)
        while (part := file.readline(_READ_BYTES)) and not part.endswith(b"\n"):
            pass
    for _ in range(skipped):
        file.readline()
    return file
