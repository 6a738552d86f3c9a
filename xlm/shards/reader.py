"""Reading shards: any row group as numpy views, from any place on, one row group in memory.

    reader = ShardReader(directory, "train", vocabulary.hash)
    for (lines,) in reader.blocks(start=Place(shard=2, group=0, row=17)):
        lines.ids  # int32, a view of the decoded row group

A split that is known to be small can be had whole: `read_lines`, `read_pairs`. Training reads in a
random order and goes through xlm/shards/random_access/flat.py.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from xlm.errors import DataError
from xlm.shards.footers import check_footer, open_shard, read_footer, shard_number
from xlm.shards.lines import Lines, NliPairs, Pairs, concatenate
from xlm.shards.schema import COUNTS, ID_COLUMNS, LABEL_COLUMN, LABELS, ShardKind
from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import listed_files


class RowPosition(NamedTuple):
    """Where a row is: the whole state of a reader that goes on in order."""

    shard: int
    group: int
    """Row group within the shard."""
    row: int
    """Row within the row group."""


SPLIT_START = RowPosition(0, 0, 0)
"""Where a split begins."""


class ShardReader:
    """The shards of one split, in order; footers are read on opening, row groups on demand.

    Raises:
        DataError: no such split, a damaged file, or shards made with another vocabulary.

    Args:
        vocabulary_size: ids of the vocabulary, where the caller knows it.
    """

    def __init__(
        self,
        directory: Path,
        split: str,
        vocabulary_hash: str,
        vocabulary_size: int | None = None,
    ) -> None:
        self.directory, self.split = directory, split
        self.paths = sorted(listed_files(directory, f"{split}.*.parquet"), key=shard_number)
        if not self.paths:
            raise DataError(f"{directory}: no shards of split {split!r}", fix="build the shards")
        self._shards = [read_footer(path) for path in self.paths]
        for shard in self._shards:
            check_footer(shard, first=self._shards[0], vocabulary_hash=vocabulary_hash)
        if vocabulary_size not in (None, self.vocabulary_size):
            raise DataError(
                f"{directory}: its metadata say a vocabulary of {self.vocabulary_size} ids, not of "
                f"{vocabulary_size}",
                fix="build shards and model from the same vocabulary",
            )
        groups = [
            (number, group, rows)
            for number, shard in enumerate(self._shards)
            for group, rows in enumerate(shard.group_rows)
        ]
        self._groups = np.array(groups, dtype=np.int64).reshape(-1, 3)
        self._first_rows = np.cumsum(np.concatenate([[0], self._groups[:, 2]]))

    @property
    def kind(self) -> ShardKind:
        """`mono`, `pair` or `xnli`."""
        return cast(ShardKind, self._shards[0].metadata["kind"])

    @property
    def languages(self) -> tuple[str, ...]:
        """The one or two languages of the shards."""
        return tuple(self._shards[0].metadata["languages"].split(" "))

    @property
    def vocabulary_size(self) -> int:
        """Ids of the vocabulary that the shards were made with."""
        return int(self._shards[0].metadata["vocabulary_size"])

    @property
    def counts(self) -> dict[str, int]:
        """Lines, tokens (without EOS) and unknown tokens of all shards."""
        return {name: sum(int(shard.metadata[name]) for shard in self._shards) for name in COUNTS}

    @property
    def rows(self) -> int:
        """Lines or pairs of all shards, as the row groups count them."""
        return int(self._first_rows[-1])

    def position_of(self, row: int) -> RowPosition:
        """Where row `row` of the split is.

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= row < self.rows:
            raise IndexError(f"row {row} of {self.rows}")
        number = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        shard, group, _ = self._groups[number].tolist()
        return RowPosition(shard, group, row - int(self._first_rows[number]))

    def blocks(self, start: RowPosition = SPLIT_START) -> Iterator[tuple[Lines, ...]]:
        """Each row group from a place on: the lines of every id column.

        Nothing before the place is read but its own row group.

        Raises:
            DataError: a damaged file.
        """
        for table in self._tables(ID_COLUMNS[self.kind], start):
            columns = tuple(_lines(column) for column in table.columns)
            for lines in columns:
                self._require_ids(lines)
            yield columns

    def labels(self) -> NDArray[np.int8]:
        """The labels of XNLI rows, of the whole split."""
        found = [table[LABEL_COLUMN].to_numpy() for table in self._tables((LABEL_COLUMN,))]
        labels = np.concatenate([np.empty(0, dtype=np.int8), *found])
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(LABELS):
            raise DataError(
                f"{self.directory}: a label that is not from 0 to {len(LABELS) - 1}",
                fix="rebuild the shards",
            )
        return labels

    def _require_ids(self, lines: Lines) -> None:
        """An id outside of the vocabulary would end training with an index error, or worse."""
        if len(lines.ids) and not 0 <= lines.ids.min() <= lines.ids.max() < self.vocabulary_size:
            raise DataError(
                f"{self.directory}: split {self.split} holds ids from {lines.ids.min()} to "
                f"{lines.ids.max()}, the vocabulary has {self.vocabulary_size}",
                fix="rebuild the shards",
            )

    def digest(self) -> str:
        """sha256 over the names and contents of the shards; reads all of them once."""
        found = hashlib.sha256()
        for path in self.paths:
            found.update(f"{path.name}\0{file_sha256(path)}\n".encode())
        return found.hexdigest()

    def require_kind(self, kind: ShardKind) -> "ShardReader":
        """Itself, if its shards are of that kind.

        Raises:
            DataError: they are of another kind.
        """
        if self.kind != kind:
            raise DataError(
                f"{self.directory} holds shards of kind {self.kind!r}, not {kind!r}",
                fix="give the shards of the right unit",
            )
        return self

    def _tables(self, columns: Sequence[str], start: RowPosition = SPLIT_START) -> Iterator[Any]:
        for number in range(start.shard, len(self._shards)):
            shard = self._shards[number]
            with open_shard(shard.path) as file:
                here = number == start.shard
                for group in range(start.group if here else 0, len(shard.group_rows)):
                    table = file.read_row_group(group, columns=list(columns), use_threads=False)
                    # A damaged page header, which no checksum covers, can end a column early.
                    if table.num_rows != shard.group_rows[group]:
                        raise DataError(
                            f"{shard.path}: {table.num_rows} rows of row group {group}, "
                            f"its footer says {shard.group_rows[group]}",
                            fix="rebuild the shards",
                        )
                    yield table.slice(start.row) if here and group == start.group else table


def read_lines(directory: Path, split: str, vocabulary_hash: str) -> Lines:
    """All lines of a language's split in memory, each followed by EOS (id 1).

    4 bytes a token and 8 a line: for held-out splits, whose lines `split` caps.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind("mono")
    return concatenate([lines.with_eos() for (lines,) in reader.blocks()])


def read_pairs(directory: Path, split: str, vocabulary_hash: str) -> Pairs:
    """All pairs of a split in memory, without EOS; for held-out splits, as `read_lines`.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind("pair")
    first_language, second_language = reader.languages
    return Pairs((first_language, second_language), *_whole(reader))


def read_nli_pairs(directory: Path, split: str, vocabulary_hash: str) -> NliPairs:
    """All XNLI rows of a split in memory, without EOS; the largest, MultiNLI, has 392,702.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind("xnli")
    return NliPairs(*_whole(reader), reader.labels())


def _whole(reader: ShardReader) -> tuple[Lines, Lines]:
    blocks = list(reader.blocks())
    return concatenate([first for first, _ in blocks]), concatenate(
        [second for _, second in blocks]
    )


def _lines(column: Any) -> Lines:
    array = column.combine_chunks()
    offsets = array.offsets.to_numpy().astype(np.int64)
    # `values` holds all that the offsets point into: a sliced column's begin later.
    ids = array.values.to_numpy()[offsets[0] : offsets[-1]]
    return Lines(ids, offsets - offsets[0])
