"""Flat copies of shards for random access: decoded once into a scratch folder.

    lines = open_flat_lines(ShardReader(directory, "train", hash), context.scratch / "ids", "sw")
    lines.windows(starts_B, 256)  # (B, 256) ids of the stream, EOS after each line

Each epoch reads the chunks of the streams in a new random order (spec 3.1) and pairs sorted by
length (3.2), so the rows of a batch are in different row groups. From Parquet, a million ids would
be decoded for each 256, and a cache of row groups grows with rows and languages. From a flat copy,
a row takes one `pread`, and the process holds no part of the corpus in memory, on the heap or
mapped; the kernel caches pages. A flat copy takes 4 bytes per token on disk, checked against the
free space first. It depends on the shards alone and is written again if they change.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS
from xlm.errors import DataError
from xlm.shards.lines import Lines, Spans
from xlm.shards.random_access.id_files import ID, IdFile, Parts, write_once
from xlm.shards.reader import ShardReader

_PAIRS_PER_BLOCK = 64
"""Pairs that share one 64-bit start; the others store their distance from it."""


class FlatLines:
    """The lines of a language on disk, concatenated, each followed by EOS (id 1).

    Memory holds only a file descriptor, which threads and forked processes can share.
    """

    def __init__(self, path: Path, *, lines: int) -> None:
        self._file = IdFile(path)
        self._lines = lines
        self.num_tokens = path.stat().st_size // ID.itemsize
        """Number of ids in all lines, EOS included."""

    def __len__(self) -> int:
        return self._lines

    def windows(self, starts_B: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """Read `width` ids from each start, (B, width); positions before 0 are EOS.

        Raises:
            DataError: the file is truncated.
        """
        missing_B = np.clip(-starts_B, 0, width)
        ids = self._file.read(np.maximum(starts_B, 0), width - missing_B)
        if not missing_B.any():
            return ids.reshape(len(starts_B), width)
        windows_BT = np.full((len(starts_B), width), EOS, dtype=np.int32)
        windows_BT[np.arange(width) >= missing_B[:, None]] = ids
        return windows_BT


class FlatPairs:
    """Pairs on disk, the second side of a pair after its first side.

    Memory holds for each pair the lengths of both sides (one byte each up to 255 tokens) and the
    distance from the start of its block of 64 pairs (two bytes).
    """

    def __init__(
        self, path: Path, *, languages: tuple[str, str], lengths_N2: NDArray[np.integer[Any]]
    ) -> None:
        self._file = IdFile(path)
        self.languages = languages
        self.lengths_N2 = lengths_N2
        """Number of tokens of both sides of each pair, without EOS, (N, 2)."""
        starts_N = np.cumsum(lengths_N2.sum(1, dtype=np.int64))
        starts_N -= lengths_N2.sum(1, dtype=np.int64)
        self._block_starts = starts_N[::_PAIRS_PER_BLOCK].copy()
        starts_N -= np.repeat(self._block_starts, _PAIRS_PER_BLOCK)[: len(starts_N)]
        self._starts_N = starts_N.astype(np.min_scalar_type(int(starts_N.max(initial=0))))

    def __len__(self) -> int:
        return len(self.lengths_N2)

    def take(self, numbers_B: NDArray[np.integer[Any]]) -> tuple[Spans, Spans]:
        """Read the first and second sides of the pairs with the given numbers, in that order.

        Raises:
            DataError: the file is truncated.
        """
        first_B, second_B = self.lengths_N2[numbers_B].T.astype(np.int64)
        both_B = first_B + second_B
        starts_B = self._block_starts[numbers_B // _PAIRS_PER_BLOCK] + self._starts_N[numbers_B]
        ids = self._file.read(starts_B, both_B)
        begins_B = np.cumsum(both_B) - both_B
        return Spans(ids, begins_B, first_B), Spans(ids, begins_B + first_B, second_B)


def open_flat_lines(reader: ShardReader, folder: Path, name: str) -> FlatLines:
    """Open the flat copy of a split of lines in `folder`; write it first if needed.

    Raises:
        DataError: the shards are damaged or of another kind.
        StoreError: the disk has too little space.
    """
    reader.require_kind("mono")
    path = folder / f"{name}.ids"

    def parts() -> Parts:
        for (lines,) in reader.blocks():
            yield {path.name: lines.with_eos().ids.astype(ID, copy=False)}

    max_bytes = (reader.counts["tokens"] + reader.num_rows) * ID.itemsize
    write_once(reader, folder, name, [path.name], parts(), max_bytes=max_bytes, options={})
    if path.stat().st_size != max_bytes:
        raise DataError(
            f"{reader.directory}: the shards have {path.stat().st_size // ID.itemsize} ids with "
            f"EOS, but their metadata count {max_bytes // ID.itemsize}",
            fix="rebuild the shards",
        )
    return FlatLines(path, lines=reader.num_rows)


def open_flat_pairs(
    reader: ShardReader, folder: Path, name: str, *, longest_side: int
) -> FlatPairs:
    """Open the flat copy of a split of pairs in `folder`; write it first if needed.

    Pairs with an empty side or a side of more than `longest_side` tokens are left out.

    Raises:
        DataError: the shards are damaged or of another kind.
        StoreError: the disk has too little space.
    """
    first_language, second_language = reader.require_kind("pair").languages
    path, lengths_path = folder / f"{name}.ids", folder / f"{name}.lengths"
    small = np.dtype(np.min_scalar_type(longest_side)).newbyteorder("<")

    def parts() -> Parts:
        for columns in reader.blocks():
            lengths_N2 = np.stack([np.diff(lines.offsets) for lines in columns], axis=1)
            selected_N = (lengths_N2.min(1) > 0) & (lengths_N2.max(1) <= longest_side)
            ids = _side_by_side(columns, lengths_N2, selected_N)
            lengths = lengths_N2[selected_N].astype(small)
            yield {path.name: ids.astype(ID, copy=False), lengths_path.name: lengths}

    max_bytes = reader.counts["tokens"] * ID.itemsize + reader.num_rows * 2 * small.itemsize
    names = [path.name, lengths_path.name]
    options = {"longest_side": longest_side}
    write_once(reader, folder, name, names, parts(), max_bytes=max_bytes, options=options)
    lengths_N2 = np.fromfile(lengths_path, dtype=small).reshape(-1, 2)
    return FlatPairs(path, languages=(first_language, second_language), lengths_N2=lengths_N2)


def _side_by_side(
    columns: Sequence[Lines], lengths_N2: NDArray[np.int64], selected_N: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Concatenate both sides of each selected pair: first, second, first, second and so on."""
    first, second = (
        lines.ids[np.repeat(selected_N, lengths_N2[:, side])] for side, lines in enumerate(columns)
    )
    in_first = np.repeat(
        np.tile([True, False], int(selected_N.sum())), lengths_N2[selected_N].ravel()
    )
    ids = np.empty(len(in_first), dtype=np.int32)
    ids[in_first], ids[~in_first] = first, second
    return ids
