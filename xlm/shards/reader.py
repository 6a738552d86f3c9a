"""Reading shards back as flat numpy arrays, one split at a time.

train = read_lines(shards, "train", vocabulary.hash)
train.ids[train.offsets[3] : train.offsets[4]]  # the fourth line, EOS at its end
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS
from xlm.errors import DataError
from xlm.shards.layout import COUNTS, FORMAT_VERSION, ID_COLUMNS, LABEL_COLUMN, METADATA_PREFIX


@dataclass(frozen=True)
class Lines:
    """Lines of ids, laid end to end.

    `ids` is int32; `offsets` is int64 with one entry more than there are lines, line i being
    `ids[offsets[i] : offsets[i + 1]]`.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Pairs:
    """Aligned lines of two languages, alphabetical; no EOS anywhere."""

    languages: tuple[str, str]
    first: Lines
    second: Lines


@dataclass(frozen=True)
class InferencePairs:
    """XNLI rows: no EOS anywhere; labels are 0 contradiction, 1 neutral, 2 entailment."""

    premise: Lines
    hypothesis: Lines
    labels: NDArray[np.int8]


class ShardReader:
    """The shards of one split, in order; checked on opening, read row group by row group.

    Raises:
        DataError: no such split, a damaged file, or shards made with another vocabulary.
    """

    def __init__(self, directory: Path, split: str, vocabulary_hash: str) -> None:
        self.directory = directory
        self.paths = sorted(directory.glob(f"{split}.*.parquet"))
        if not self.paths:
            raise DataError(f"{directory}: no shards of split {split!r}", fix="build the shards")
        self._metadata = [_metadata(path) for path in self.paths]
        for path, metadata in zip(self.paths, self._metadata, strict=True):
            _check(path, metadata, vocabulary_hash)

    @property
    def kind(self) -> str:
        """`mono`, `pair` or `xnli`."""
        return self._metadata[0]["kind"]

    @property
    def languages(self) -> tuple[str, ...]:
        """The one or two languages of the shards."""
        return tuple(self._metadata[0]["languages"].split(" "))

    @property
    def counts(self) -> dict[str, int]:
        """Lines, tokens (without EOS) and unknown tokens of all shards."""
        return {name: sum(int(found[name]) for found in self._metadata) for name in COUNTS}

    def row_groups(self, columns: Sequence[str]) -> Iterator[Any]:
        """Each row group as an Arrow table of the asked columns; one is in memory at a time."""
        for path in self.paths:
            with _opened(path) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=list(columns), use_threads=False)

    def expect(self, kind: str) -> "ShardReader":
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


def read_lines(directory: Path, split: str, vocabulary_hash: str) -> Lines:
    """All lines of a language's split, each followed by EOS (id 1), as XLM's binarised files.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    reader = ShardReader(directory, split, vocabulary_hash).expect("mono")
    return _collect(reader, "ids", with_eos=True)


def read_pairs(directory: Path, split: str, vocabulary_hash: str) -> Pairs:
    """All pairs of a split, without EOS.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    reader = ShardReader(directory, split, vocabulary_hash).expect("pair")
    first, second = (_collect(reader, column) for column in ID_COLUMNS["pair"])
    first_language, second_language = reader.languages
    return Pairs((first_language, second_language), first, second)


def read_inference_pairs(directory: Path, split: str, vocabulary_hash: str) -> InferencePairs:
    """All XNLI rows of a split, without EOS.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    reader = ShardReader(directory, split, vocabulary_hash).expect("xnli")
    premise, hypothesis = (_collect(reader, column) for column in ID_COLUMNS["xnli"])
    labels = [table[LABEL_COLUMN].to_numpy() for table in reader.row_groups((LABEL_COLUMN,))]
    return InferencePairs(
        premise, hypothesis, np.concatenate([np.empty(0, dtype=np.int8), *labels])
    )


def _collect(reader: ShardReader, column: str, *, with_eos: bool = False) -> Lines:
    lines = reader.counts["lines"]
    offsets = np.zeros(lines + 1, dtype=np.int64)
    blocks: list[NDArray[np.int32]] = [np.empty(0, dtype=np.int32)]
    row = 0
    for table in reader.row_groups((column,)):
        for chunk in table.column(0).chunks:
            ends = chunk.offsets.to_numpy().astype(np.int64)
            ids = chunk.values.to_numpy()[ends[0] : ends[-1]]
            ends = ends[1:] - ends[0]
            if with_eos:
                ids = np.insert(ids, ends, EOS)
                ends = ends + np.arange(1, len(ends) + 1)
            offsets[row + 1 : row + 1 + len(ends)] = ends + offsets[row]
            blocks.append(ids)
            row += len(ends)
    return Lines(np.concatenate(blocks), offsets)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path} cannot be read as Parquet: {error}", fix="rebuild the shards"
        ) from error


def _metadata(path: Path) -> dict[str, str]:
    with _opened(path) as file:
        stored = file.metadata.metadata or {}
    return {
        name.decode().removeprefix(METADATA_PREFIX): value.decode()
        for name, value in stored.items()
        if name.decode().startswith(METADATA_PREFIX)
    }


def _check(path: Path, metadata: dict[str, str], vocabulary_hash: str) -> None:
    if metadata.get("format") != FORMAT_VERSION:
        raise DataError(
            f"{path}: shard format {metadata.get('format')!r}, not {FORMAT_VERSION!r}",
            fix="rebuild the shards",
        )
    if metadata["vocabulary_hash"] != vocabulary_hash:
        raise DataError(
            f"{path} was made with vocabulary {metadata['vocabulary_hash']}, "
            f"asked for is {vocabulary_hash}",
            fix="build shards and model from the same vocabulary",
        )
