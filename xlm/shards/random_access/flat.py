"""Shards laid flat for reading in a random order: decoded once, into a folder of scratch.

    lines = open_flat_lines(ShardReader(directory, "train", hash), context.scratch / "ids", "sw")
    lines.windows(starts_B, 256)  # (B, 256) ids of the stream, each line with its EOS

Why: every epoch takes the chunks of the streams in a new random order (spec 3.1) and pairs sorted
by length (3.2), so each row of a batch lies in another row group: straight from Parquet a million
ids would be decoded for the 256 that are wanted, and a cache of row groups grows with rows and
languages. Laid flat, a row costs one `pread`, so nothing of the corpus is in memory, neither on the
heap nor mapped; the kernel keeps what it likes. The price is disk, known beforehand: 4 bytes a
token, checked against the free space. The files follow from the shards alone and are written
again if the shards are others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS
from xlm.errors import DataError
from xlm.shards.lines import Lines, Spans
from xlm.shards.random_access.id_files import ID, IdFile, Parts, provide
from xlm.shards.reader import ShardReader

_BLOCK = 64
"""Pairs for which one start is kept in full."""


class FlatLines:
    """A language's lines end to end, each followed by EOS (id 1), on the disk.

    Nothing is held in memory but a file descriptor, which threads and forks may share.
    """

    def __init__(self, path: Path, *, lines: int) -> None:
        self._file = IdFile(path)
        self._lines = lines
        self.tokens = path.stat().st_size // ID.itemsize
        """Ids of all lines, EOS included."""

    def __len__(self) -> int:
        return self._lines

    def windows(self, starts_B: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """`width` ids from each start on, (B, width), whatever the lines; EOS before the first.

        Raises:
            DataError: the file was cut short.
        """
        missing_B = np.clip(-starts_B, 0, width)
        ids = self._file.read(np.maximum(starts_B, 0), width - missing_B)
        if not missing_B.any():
            return ids.reshape(len(starts_B), width)
        windows_BT = np.full((len(starts_B), width), EOS, dtype=np.int32)
        windows_BT[np.arange(width) >= missing_B[:, None]] = ids
        return windows_BT


class FlatPairs:
    """Pairs on the disk, the two sides of each next to one another.

    In memory are, for each pair, the lengths of both sides (one byte each where none has more than
    255 tokens) and where it begins after the first of its 64 neighbours (two bytes).
    """

    def __init__(
        self, path: Path, *, languages: tuple[str, str], lengths_N2: NDArray[np.integer[Any]]
    ) -> None:
        self._file = IdFile(path)
        self.languages = languages
        self.lengths_N2 = lengths_N2
        """Tokens of the two sides of each pair, without EOS."""
        starts_N = np.cumsum(lengths_N2.sum(1, dtype=np.int64))
        starts_N -= lengths_N2.sum(1, dtype=np.int64)
        self._block_starts = starts_N[::_BLOCK].copy()
        starts_N -= np.repeat(self._block_starts, _BLOCK)[: len(starts_N)]
        self._starts_N = starts_N.astype(np.min_scalar_type(int(starts_N.max(initial=0))))

    def __len__(self) -> int:
        return len(self.lengths_N2)

    def take(self, numbers_B: NDArray[np.integer[Any]]) -> tuple[Spans, Spans]:
        """First and second sides of the pairs of the given numbers, in that order, in memory.

        Raises:
            DataError: the file was cut short.
        """
        first_B, second_B = self.lengths_N2[numbers_B].T.astype(np.int64)
        both_B = first_B + second_B
        starts_B = self._block_starts[numbers_B // _BLOCK] + self._starts_N[numbers_B]
        ids = self._file.read(starts_B, both_B)
        begins_B = np.cumsum(both_B) - both_B
        return Spans(ids, begins_B, first_B), Spans(ids, begins_B + first_B, second_B)


def open_flat_lines(reader: ShardReader, folder: Path, name: str) -> FlatLines:
    """The lines of a split laid flat in `folder`, written there unless they are there already.

    Raises:
        DataError: the shards are damaged or of another kind.
        StoreError: the disk has no room for them.
    """
    reader.require_kind("mono")
    path = folder / f"{name}.ids"

    def parts() -> Parts:
        for (lines,) in reader.blocks():
            yield {path.name: lines.with_eos().ids.astype(ID, copy=False)}

    most_bytes = (reader.counts["tokens"] + reader.rows) * ID.itemsize
    provide(reader, folder, name, [path.name], parts(), most_bytes=most_bytes, options={})
    if path.stat().st_size != most_bytes:
        raise DataError(
            f"{reader.directory}: {path.stat().st_size // ID.itemsize} ids with their EOS, the "
            f"metadata say {most_bytes // ID.itemsize}",
            fix="rebuild the shards",
        )
    return FlatLines(path, lines=reader.rows)


def open_flat_pairs(
    reader: ShardReader, folder: Path, name: str, *, longest_side: int
) -> FlatPairs:
    """The pairs of a split laid flat, but those with an empty side or one of too many tokens.

    Raises:
        DataError: the shards are damaged or of another kind.
        StoreError: the disk has no room for them.
    """
    first_language, second_language = reader.require_kind("pair").languages
    path, lengths_path = folder / f"{name}.ids", folder / f"{name}.lengths"
    small = np.dtype(np.min_scalar_type(longest_side)).newbyteorder("<")

    def parts() -> Parts:
        for columns in reader.blocks():
            lengths_N2 = np.stack([np.diff(lines.offsets) for lines in columns], axis=1)
            kept_N = (lengths_N2.min(1) > 0) & (lengths_N2.max(1) <= longest_side)
            ids = _side_by_side(columns, lengths_N2, kept_N)
            lengths = lengths_N2[kept_N].astype(small)
            yield {path.name: ids.astype(ID, copy=False), lengths_path.name: lengths}

    most_bytes = reader.counts["tokens"] * ID.itemsize + reader.rows * 2 * small.itemsize
    names = [path.name, lengths_path.name]
    options = {"longest_side": longest_side}
    provide(reader, folder, name, names, parts(), most_bytes=most_bytes, options=options)
    lengths_N2 = np.fromfile(lengths_path, dtype=small).reshape(-1, 2)
    return FlatPairs(path, languages=(first_language, second_language), lengths_N2=lengths_N2)


def _side_by_side(
    columns: Sequence[Lines], lengths_N2: NDArray[np.int64], kept_N: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """First and second side of the first pair, of the second pair, ..., of the kept ones."""
    first, second = (
        lines.ids[np.repeat(kept_N, lengths_N2[:, side])] for side, lines in enumerate(columns)
    )
    in_first = np.repeat(np.tile([True, False], int(kept_N.sum())), lengths_N2[kept_N].ravel())
    ids = np.empty(len(in_first), dtype=np.int32)
    ids[in_first], ids[~in_first] = first, second
    return ids
