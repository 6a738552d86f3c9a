"""Assigns the lines of one range to splits, and collects the training lines of several ranges.

    assign(one_range, config, thresholds, run=..., index=..., held_out=..., buckets=100)
    rows = list(bucket_rows([(run, index), ...], bucket=7, shuffled=True))

A run holds the training lines of a range by bucket. If they are shuffled, a bucket is a range of
ranks, and bucket N of all runs together contains the lines that come N-th. Otherwise a bucket is a
block of adjacent lines. A run is written in segments, each with all buckets one after another, so
that a process holds few lines, however long they are.
"""

import heapq
import json
from array import array
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

from xlm.config.data.split import SplitSlice
from xlm.config.languages.pairs import pivot_of
from xlm.corpus.split.assignment import HASH_RANGE, Thresholds, normalised, position, rank
from xlm.corpus.text_files.line_ranges import LineRange, Row, rows_of

HELD_OUT: Final = ("valid", "test")
_NUMBER: Final = "Q"
_NUMBER_BYTES: Final = 8
_SEGMENT_BYTES: Final = 16 << 20
"""Memory for the lines of a segment."""
_ROW_BYTES: Final = 64
"""Memory of a row besides its text."""


class LowestRanks:
    """Keeps the `max_rows` rows with the lowest ranks."""

    def __init__(self, max_rows: int, dropped: int = 0) -> None:
        self._max_rows = max_rows
        self._heap: list[tuple[int, int, Row]] = []
        self.dropped = dropped

    def add(self, rank: int, number: int, row: Row) -> None:
        """Keep row `number` if its rank is among the lowest."""
        entry = (-rank, -number, row)
        if len(self._heap) < self._max_rows:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)
            self.dropped += 1

    def entries(self) -> list[tuple[int, int, Row]]:
        """Rank, number and row of what is kept."""
        return [(-rank, -number, row) for rank, number, row in self._heap]

    def rows(self, *, shuffled: bool) -> Iterator[Row]:
        """The kept rows, ordered by rank (`shuffled`) or by number."""
        for _, _, row in sorted(self.entries(), key=lambda entry: entry[0 if shuffled else 1]):
            yield row


def positions(one: LineRange, config: SplitSlice) -> Iterator[int]:
    """The positions of the lines of a range."""
    return (_position(config, row) for row in rows_of(one))


def assign(
    one: LineRange,
    config: SplitSlice,
    thresholds: Thresholds,
    *,
    run: Path,
    index: Path,
    held_out: Path,
    buckets: int,
) -> int:
    """Assign the lines of a range; returns the number of training lines.

    Args:
        run: file for the training lines: rank and row, each in a line.
        index: file for the number of buckets and of segments, the rows of each bucket, and the
            byte offset of each bucket in each segment of `run`, with the end of the segment.
        held_out: file for the rows of valid and test with the lowest ranks.
        buckets: number of buckets if lines are shuffled, else of lines in a bucket.
    """
    shuffled = config.order == "shuffled"
    kept = {
        "valid": LowestRanks(config.max_valid_lines),
        "test": LowestRanks(config.max_test_lines),
    }
    with run.open("wb") as file:
        writer = _RunWriter(file, buckets if shuffled else -(-one.lines // buckets))
        for number, row in enumerate(rows_of(one), start=one.first):
            name = thresholds.split(_position(config, row))
            order = rank(row[0].decode(), number, config.seed)
            if name == "train":
                bucket = order * buckets // HASH_RANGE if shuffled else writer.rows // buckets
                writer.add(bucket, b"\n".join((b"%x" % order, *row, b"")))
            else:
                kept[name].add(order, number, row)
        writer.write()
    index.write_bytes(writer.index())
    text = {
        name: {
            "dropped": lowest.dropped,
            "rows": [
                [order, number, *(column.decode() for column in row)]
                for order, number, row in lowest.entries()
            ],
        }
        for name, lowest in kept.items()
    }
    held_out.write_text(json.dumps(text), encoding="utf-8")
    return writer.rows


def read_held_out(path: Path, kept: dict[str, LowestRanks]) -> None:
    """Add the held-out rows of a range to those of others."""
    for name, found in json.loads(path.read_text(encoding="utf-8")).items():
        kept[name].dropped += found["dropped"]
        for order, number, *columns in found["rows"]:
            kept[name].add(order, number, tuple(column.encode() for column in columns))


def rows_by_bucket(index: Path) -> "array[int]":
    """The number of rows in each bucket of a run."""
    numbers = array(_NUMBER, index.read_bytes())
    return numbers[2 : 2 + numbers[0]]


def bucket_rows(
    runs: Sequence[tuple[Path, Path]], bucket: int, *, columns: int, shuffled: bool
) -> Iterator[Row]:
    """The rows of one bucket of all runs, in their final order.

    Args:
        runs: runs with their indexes, in the order of their ranges.
        bucket: number of the bucket.
        columns: number of columns of a row.
        shuffled: whether the order is that of the ranks.
    """
    found: list[tuple[int, Row]] = []
    for run, index in runs:
        found += _read_bucket(run, index, bucket, columns)
    if shuffled:
        # Sorting is stable: equal ranks keep the order of the lines.
        found.sort(key=lambda entry: entry[0])
    return (row for _, row in found)


class _RunWriter:
    """Collects rows by bucket, and writes a segment when they are many."""

    def __init__(self, file: BinaryIO, buckets: int) -> None:
        self.rows = 0
        self._file = file
        self._held: list[list[bytes]] = [[] for _ in range(buckets)]
        self._held_bytes = 0
        self._counts = array(_NUMBER, bytes(_NUMBER_BYTES * buckets))
        self._segments: list[array[int]] = []

    def add(self, bucket: int, row: bytes) -> None:
        """Add a row to a bucket."""
        self._held[bucket].append(row)
        self._counts[bucket] += 1
        self.rows += 1
        self._held_bytes += len(row) + _ROW_BYTES
        if self._held_bytes >= _SEGMENT_BYTES:
            self.write()

    def write(self) -> None:
        """Write the rows as a segment and forget them."""
        offsets = array(_NUMBER, [self._file.tell()])
        for rows in self._held:
            self._file.writelines(rows)
            offsets.append(self._file.tell())
            rows.clear()
        self._segments.append(offsets)
        self._held_bytes = 0

    def index(self) -> bytes:
        """The contents of the index; see `assign`."""
        numbers = array(_NUMBER, [len(self._held), len(self._segments)])
        numbers.extend(self._counts)
        for offsets in self._segments:
            numbers.extend(offsets)
        return numbers.tobytes()


def _read_bucket(run: Path, index: Path, bucket: int, columns: int) -> Iterator[tuple[int, Row]]:
    with index.open("rb") as file, run.open("rb") as rows:
        buckets, segments = array(_NUMBER, file.read(2 * _NUMBER_BYTES))
        for segment in range(segments):
            at = 2 + buckets + segment * (buckets + 1) + bucket
            file.seek(at * _NUMBER_BYTES)
            start, end = array(_NUMBER, file.read(2 * _NUMBER_BYTES))
            rows.seek(start)
            # Not `splitlines`, which also splits at a carriage return.
            lines = rows.read(end - start).split(b"\n")[:-1]
            for line in range(0, len(lines), columns + 1):
                yield int(lines[line], 16), tuple(lines[line + 1 : line + columns + 1])


def _position(config: SplitSlice, row: Row) -> int:
    if len(row) == 1:
        return position(row[0].decode().strip(), config.seed)
    return position(normalised(row[_pivot(config.languages)].decode()), config.seed)


@cache
def _pivot(languages: tuple[str, ...]) -> int:
    return languages.index(pivot_of("-".join(languages)))
