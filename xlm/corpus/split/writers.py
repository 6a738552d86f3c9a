"""Writes the lines of a split: in shards, shuffled, or limited in number.

A row is one line of monolingual text, or the aligned lines of a pair. Each column goes to its own
file: `{split}.{shard:05d}.txt` or `{split}.{shard:05d}.{language}.txt`.
"""

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from xlm.corpus.split.assignment import HASH_RANGE

Row = tuple[str, ...]

_BUCKET_BYTES = 32 << 20
"""Text of one bucket of the shuffle; in memory it takes about four times as much."""
_MAX_BUCKETS = 1000
_BUFFERED_ROWS = 200
"""Rows of a bucket that are buffered before they are written."""


class ShardWriter:
    """Writes rows to numbered shards; a split without rows has one empty shard."""

    def __init__(self, folder: Path, split: str, languages: Sequence[str], shard_lines: int):
        self._stem = folder / split
        self._endings = [f".{code}.txt" for code in languages] if len(languages) > 1 else [".txt"]
        self._shard_lines = shard_lines
        self._files: list[IO[str]] = []
        self.lines = 0
        self.shards = 0

    def __enter__(self) -> "ShardWriter":
        self._next_shard()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(self, row: Row) -> None:
        """Append one row."""
        if self.lines and self.lines % self._shard_lines == 0:
            self._close()
            self._next_shard()
        for text, file in zip(row, self._files, strict=True):
            file.write(f"{text}\n")
        self.lines += 1

    def _next_shard(self) -> None:
        for ending in self._endings:
            path = self._stem.with_name(f"{self._stem.name}.{self.shards:05d}{ending}")
            self._files.append(path.open("w", encoding="utf-8", newline="\n"))
        self.shards += 1

    def _close(self) -> None:
        for file in self._files:
            file.close()
        self._files = []


class Shuffle:
    """Sorts any number of rows by rank, with one bucket in memory at a time.

    Bucket files are opened only to append: many units are split at once, and a process may open
    1,024 files.
    """

    def __init__(self, folder: Path, total_bytes: int, *, bucket_bytes: int = _BUCKET_BYTES):
        self._folder = folder
        buckets = min(total_bytes // bucket_bytes + 1, _MAX_BUCKETS)
        self._paths = [folder / f"bucket.{number:04d}" for number in range(buckets)]
        self._buffers: list[list[str]] = [[] for _ in self._paths]

    def __enter__(self) -> "Shuffle":
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._paths:
            path.write_bytes(b"")
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._paths:
            path.unlink(missing_ok=True)

    def add(self, rank: int, row: Row) -> None:
        """Add a row to the bucket of its rank."""
        # A bucket is a range of ranks, so the number of buckets does not change the order.
        bucket = rank * len(self._paths) // HASH_RANGE
        buffer = self._buffers[bucket]
        buffer.append("\n".join((f"{rank:x}", *row, "")))
        if len(buffer) >= _BUFFERED_ROWS:
            self._flush(bucket)

    def rows(self, columns: int) -> Iterator[Row]:
        """All rows in the order of their ranks; every row has `columns` columns."""
        for bucket, path in enumerate(self._paths):
            self._flush(bucket)
            # Sorting is stable: equal ranks keep the order in which they were added.
            for _, row in sorted(_read_bucket(path, columns), key=_rank_of):
                yield row

    def _flush(self, bucket: int) -> None:
        with self._paths[bucket].open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(self._buffers[bucket])
        self._buffers[bucket] = []


class LowestRanks:
    """Keeps the `max_rows` rows with the lowest ranks."""

    def __init__(self, max_rows: int):
        self._max_rows = max_rows
        self._heap: list[tuple[int, int, Row]] = []
        self.dropped = 0

    def add(self, rank: int, number: int, row: Row) -> None:
        """Keep row `number` if its rank is among the lowest."""
        entry = (-rank, -number, row)
        if len(self._heap) < self._max_rows:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)
            self.dropped += 1

    def rows(self, *, shuffled: bool) -> Iterator[Row]:
        """The kept rows, ordered by rank (`shuffled`) or by number."""
        kept = [(-rank, -number, row) for rank, number, row in self._heap]
        for _, _, row in sorted(kept, key=lambda entry: entry[0 if shuffled else 1]):
            yield row


def _read_bucket(path: Path, columns: int) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        while lines := list(islice(file, columns + 1)):
            rank, *row = (line.removesuffix("\n") for line in lines)
            yield int(rank, 16), tuple(row)


def _rank_of(item: tuple[int, Row]) -> int:
    return item[0]
