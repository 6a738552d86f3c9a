"""Read shards from any row on, as numpy views, with one row group in memory.

    reader = ShardReader(directory, "train", vocabulary.hash)
    for (lines,) in reader.blocks(start=RowPosition(shard=2, group=0, row=17)):
        lines.ids  # int32, a view of the decoded row group

`read_lines`, `read_pairs` and `read_examples` read small splits into memory. Training needs a
random order and uses xlm/shards/random_access/flat_copy.py.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.data.text import UnitKind
from xlm.errors import DataError
from xlm.shards.footers import check_footer, open_shard, read_footer, shard_number
from xlm.shards.lines import Examples, Lines, Pairs, concatenate
from xlm.shards.schema import COUNTS, ID_COLUMNS, LABEL_COLUMN, LABELLED
from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import listed_files


class RowPosition(NamedTuple):
    """Position of a row, the complete state of a sequential reader."""

    shard: int
    group: int
    """Row group within the shard."""
    row: int
    """Row within the row group."""


SPLIT_START = RowPosition(0, 0, 0)
"""The first row of a split."""


class ShardReader:
    """The shards of one split, in order. Opening reads the footers; row groups are read on demand.

    Args:
        directory: folder of the shards.
        split: name of the split.
        vocabulary_hash: expected hash of the vocabulary.
        vocabulary_size: expected number of ids; None skips the check.
        digests: sha256 of shards that need not be read for `digest`.

    Raises:
        DataError: the split is missing, a file is damaged, or the vocabulary differs.
    """

    def __init__(
        self,
        directory: Path,
        split: str,
        vocabulary_hash: str,
        vocabulary_size: int | None = None,
        digests: Mapping[Path, str] | None = None,
    ) -> None:
        self.directory, self.split = directory, split
        self._digests = digests or {}
        self.paths = sorted(listed_files(directory, f"{split}.*.parquet"), key=shard_number)
        if not self.paths:
            raise DataError(f"{directory} has no shards of split {split!r}", fix="build the shards")
        self._shards = [read_footer(path) for path in self.paths]
        for shard in self._shards:
            check_footer(shard, first=self._shards[0], vocabulary_hash=vocabulary_hash)
        if vocabulary_size not in (None, self.vocabulary_size):
            raise DataError(
                f"{directory}: the shards were made with a vocabulary of {self.vocabulary_size} "
                f"ids, not {vocabulary_size}",
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
    def kind(self) -> UnitKind:
        """Kind of the shards: `mono`, `pair`, or a kind with labels."""
        return cast(UnitKind, self._shards[0].metadata["kind"])

    @property
    def languages(self) -> tuple[str, ...]:
        """One language, or the two languages of a pair."""
        return tuple(self._shards[0].metadata["languages"].split(" "))

    @property
    def vocabulary_size(self) -> int:
        """Number of ids of the vocabulary that the shards were made with."""
        return int(self._shards[0].metadata["vocabulary_size"])

    @property
    def counts(self) -> dict[str, int]:
        """Number of lines, tokens (without EOS) and unknown tokens in all shards."""
        return {name: sum(int(shard.metadata[name]) for shard in self._shards) for name in COUNTS}

    @property
    def num_rows(self) -> int:
        """Number of lines or pairs in all row groups."""
        return int(self._first_rows[-1])

    def position_of(self, row: int) -> RowPosition:
        """Return the position of a row, given its number in the split.

        Raises:
            IndexError: the split has fewer rows.
        """
        if not 0 <= row < self.num_rows:
            raise IndexError(f"row {row} of {self.num_rows}")
        number = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        shard, group, _ = self._groups[number].tolist()
        return RowPosition(shard, group, row - int(self._first_rows[number]))

    def blocks(self, start: RowPosition = SPLIT_START) -> Iterator[tuple[Lines, ...]]:
        """Yield the rows from `start` on, one row group at a time: the lines of each id column.

        No row group before `start` is read.

        Raises:
            DataError: a file is damaged.
        """
        for table in self._tables(ID_COLUMNS[self.kind], start):
            columns = tuple(_lines_of_column(column) for column in table.columns)
            for lines in columns:
                self._require_ids(lines)
            yield columns

    def labels(self) -> list[str]:
        """Read the names of the labels of all rows.

        Raises:
            DataError: a file is damaged, or a label is out of range.
        """
        found = [
            label
            for table in self._tables((LABEL_COLUMN,))
            for label in table[LABEL_COLUMN].to_pylist()
        ]
        if self.kind != "xnli":
            return found
        if any(not 0 <= label < len(XNLI_LABELS) for label in found):
            raise DataError(
                f"{self.directory}: a label is not between 0 and {len(XNLI_LABELS) - 1}",
                fix="rebuild the shards",
            )
        return [XNLI_LABELS[label] for label in found]

    def _require_ids(self, lines: Lines) -> None:
        """Refuse ids outside the vocabulary: they would cause an index error in training."""
        if len(lines.ids) and not 0 <= lines.ids.min() <= lines.ids.max() < self.vocabulary_size:
            raise DataError(
                f"{self.directory}: split {self.split} has ids from {lines.ids.min()} to "
                f"{lines.ids.max()}, but the vocabulary has {self.vocabulary_size} ids",
                fix="rebuild the shards",
            )

    def digest(self) -> str:
        """Hash the names and contents of all shards with sha256; reads those not hashed before."""
        digest = hashlib.sha256()
        for path in self.paths:
            sha256 = self._digests.get(path) or file_sha256(path)
            digest.update(f"{path.name}\0{sha256}\n".encode())
        return digest.hexdigest()

    def require_kind(self, *kinds: UnitKind) -> "ShardReader":
        """Return this reader if its shards have one of the given kinds.

        Raises:
            DataError: the kind differs.
        """
        if self.kind not in kinds:
            raise DataError(
                f"{self.directory} has shards of kind {self.kind!r}, not "
                f"{' or '.join(map(repr, kinds))}",
                fix="use the shards of the right unit",
            )
        return self

    def _tables(self, columns: Sequence[str], start: RowPosition = SPLIT_START) -> Iterator[Any]:
        for number in range(start.shard, len(self._shards)):
            shard = self._shards[number]
            with open_shard(shard.path) as file:
                is_first = number == start.shard
                for group in range(start.group if is_first else 0, len(shard.group_rows)):
                    table = file.read_row_group(group, columns=list(columns), use_threads=False)
                    # Checksums do not cover page headers; a damaged one can end a column early.
                    if table.num_rows != shard.group_rows[group]:
                        raise DataError(
                            f"{shard.path}: row group {group} has {table.num_rows} rows, but the "
                            f"footer counts {shard.group_rows[group]}",
                            fix="rebuild the shards",
                        )
                    yield table.slice(start.row) if is_first and group == start.group else table


def read_lines(directory: Path, split: str, vocabulary_hash: str) -> Lines:
    """Read all lines of a split into memory, each followed by EOS (id 1).

    Takes 4 bytes per token and 8 per line: for held-out splits, which the stage `split` limits.

    Raises:
        DataError: the split is missing, a file is damaged, or the vocabulary differs.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind("mono")
    return concatenate([lines.with_eos() for (lines,) in reader.blocks()])


def read_pairs(directory: Path, split: str, vocabulary_hash: str) -> Pairs:
    """Read all pairs of a split into memory, without EOS; for held-out splits.

    Raises:
        DataError: the split is missing, a file is damaged, or the vocabulary differs.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind("pair")
    first_language, second_language = reader.languages
    first, second = _read_columns(reader)
    return Pairs((first_language, second_language), first, second)


def read_examples(
    directory: Path, split: str, vocabulary_hash: str, labels: Sequence[str]
) -> Examples:
    """Read all labelled rows of a split into memory, without EOS; XNLI's largest has 392,702.

    Args:
        labels: names of the labels in the order of their ids.

    Raises:
        DataError: the split is missing, a file is damaged, the vocabulary differs, or a row has
            another label.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind(*LABELLED)
    ids = {label: number for number, label in enumerate(labels)}
    names = reader.labels()
    if unknown := sorted(set(names) - set(labels)):
        raise DataError(
            f"{directory}: split {split} has the label {unknown[0]!r}, but the classifier has "
            f"{', '.join(labels)}",
            fix="use a classifier that was trained for this task",
        )
    first, *others = _read_columns(reader)
    second = others[0] if others else None
    return Examples(first, second, np.array([ids[name] for name in names], dtype=np.int64))


def label_names(directory: Path, split: str, vocabulary_hash: str) -> list[str]:
    """Read the names of the labels of a split, one for each row.

    Raises:
        DataError: the split is missing, a file is damaged, or the vocabulary differs.
    """
    reader = ShardReader(directory, split, vocabulary_hash).require_kind(*LABELLED)
    return reader.labels()


def has_split(directory: Path, split: str) -> bool:
    """Whether there are shards of a split."""
    return bool(listed_files(directory, f"{split}.*.parquet"))


def shard_kind(directory: Path) -> str:
    """The kind of the shards of a unit, from the footer of one of them.

    Raises:
        DataError: there are no shards, or the first is damaged.
    """
    paths = listed_files(directory, "*.parquet")
    if not paths:
        raise DataError(f"{directory} has no shards", fix="build the shards")
    return read_footer(paths[0]).metadata.get("kind", "")


def _read_columns(reader: ShardReader) -> list[Lines]:
    blocks = list(reader.blocks())
    return [
        concatenate([block[column] for block in blocks])
        for column in range(len(ID_COLUMNS[reader.kind]))
    ]


def _lines_of_column(column: Any) -> Lines:
    array = column.combine_chunks()
    offsets = array.offsets.to_numpy().astype(np.int64)
    # `values` is the array before slicing, so the offsets of a sliced column do not start at 0.
    ids = array.values.to_numpy()[offsets[0] : offsets[-1]]
    return Lines(ids, offsets - offsets[0])
