"""Lines of ids as flat numpy arrays.

lines = Lines(ids, offsets)
lines.ids[lines.offsets[3] : lines.offsets[4]]  # the fourth line
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS


@dataclass(frozen=True)
class Lines:
    """Concatenated lines of ids.

    Line i is `ids[offsets[i] : offsets[i + 1]]`. There is one offset more than lines; the first is
    0, the last is the length of `ids`.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[NDArray[np.int32]]) -> "Lines":
        """Concatenate rows of ids."""
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, dtype=np.int32), *rows]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def num_tokens(self) -> int:
        """Number of ids in all lines."""
        return len(self.ids)

    def slice(self, begin: int, end: int | None = None) -> "Lines":
        """Return the lines from `begin` to `end`; their ids are a view."""
        offsets = self.offsets[begin : None if end is None else end + 1]
        return Lines(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0])

    def with_eos(self) -> "Lines":
        """Append EOS (id 1) to each line, as in XLM's binarized files."""
        offsets = self.offsets + np.arange(len(self.offsets))
        ids = np.full(offsets[-1], EOS, dtype=np.int32)
        is_token = np.ones(len(ids), dtype=np.bool_)
        is_token[offsets[1:] - 1] = False
        ids[is_token] = self.ids
        return Lines(ids, offsets)

    def spans(self, numbers_B: NDArray[np.int64]) -> "Spans":
        """Return the spans of the lines with the given numbers."""
        starts_B = self.offsets[numbers_B]
        return Spans(self.ids, starts_B, self.offsets[numbers_B + 1] - starts_B)

    def windows(self, starts_B: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """Return `width` ids from each start, (B, width); positions before 0 are EOS."""
        positions_BT = starts_B[:, None] + np.arange(width, dtype=np.int64)
        windows_BT = np.full(positions_BT.shape, EOS, dtype=np.int32)
        windows_BT[positions_BT >= 0] = self.ids[positions_BT[positions_BT >= 0]]
        return windows_BT


@dataclass(frozen=True)
class Spans:
    """Lines anywhere in `ids`: line i is `ids[starts_B[i] : starts_B[i] + lengths_B[i]]`."""

    ids: NDArray[np.int32]
    starts_B: NDArray[np.int64]
    lengths_B: NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Aligned lines of two languages, in alphabetical order; without EOS."""

    languages: tuple[str, str]
    first: Lines
    second: Lines


@dataclass(frozen=True)
class Examples:
    """Labelled rows of a classification task: sentences or pairs, without EOS."""

    first: Lines
    second: Lines | None
    """The second sentence of each pair; None: single sentences."""
    labels: NDArray[np.int64]
    """Ids of the labels, (N,)."""

    def __len__(self) -> int:
        return len(self.labels)

    def head(self, count: int) -> "Examples":
        """Return the first `count` rows."""
        second = None if self.second is None else self.second.slice(0, min(count, len(self)))
        return Examples(self.first.slice(0, min(count, len(self))), second, self.labels[:count])


def concatenate(blocks: list[Lines]) -> Lines:
    """Copy the lines of all blocks into one."""
    sizes = np.cumsum([0] + [block.num_tokens for block in blocks])
    offsets = [block.offsets[1:] + size for block, size in zip(blocks, sizes[:-1], strict=True)]
    return Lines(
        np.concatenate([np.empty(0, dtype=np.int32), *(block.ids for block in blocks)]),
        np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
    )


def concatenate_examples(blocks: list[Examples]) -> Examples:
    """Copy the rows of all blocks into one; all are single sentences, or all are pairs."""
    seconds = [block.second for block in blocks if block.second is not None]
    return Examples(
        first=concatenate([block.first for block in blocks]),
        second=concatenate(seconds) if seconds else None,
        labels=np.concatenate([block.labels for block in blocks]),
    )
