"""Lines of ids as flat numpy arrays.

lines = Lines(ids, offsets)
lines.ids[lines.offsets[3] : lines.offsets[4]]  # the fourth line
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS


@dataclass(frozen=True)
class Lines:
    """Lines of ids, laid end to end.

    `ids` is int32; `offsets` is int64 with one entry more than there are lines, line i being
    `ids[offsets[i] : offsets[i + 1]]`; the first is 0, the last the length of `ids`.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def tokens(self) -> int:
        """Ids of all lines."""
        return len(self.ids)

    def slice(self, begin: int, end: int | None = None) -> "Lines":
        """Some of the lines; their ids are a view."""
        offsets = self.offsets[begin : None if end is None else end + 1]
        return Lines(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0])

    def with_eos(self) -> "Lines":
        """The same lines, each followed by EOS (id 1), as XLM's binarised files hold them."""
        offsets = self.offsets + np.arange(len(self.offsets))
        ids = np.full(offsets[-1], EOS, dtype=np.int32)
        is_token = np.ones(len(ids), dtype=np.bool_)
        is_token[offsets[1:] - 1] = False
        ids[is_token] = self.ids
        return Lines(ids, offsets)

    def spans(self, numbers_B: NDArray[np.int64]) -> "Spans":
        """Where the lines of the given numbers are."""
        starts_B = self.offsets[numbers_B]
        return Spans(self.ids, starts_B, self.offsets[numbers_B + 1] - starts_B)

    def windows(self, starts_B: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """`width` ids from each start on, (B, width), whatever the lines; EOS before the first."""
        places_BT = starts_B[:, None] + np.arange(width, dtype=np.int64)
        windows_BT = np.full(places_BT.shape, EOS, dtype=np.int32)
        windows_BT[places_BT >= 0] = self.ids[places_BT[places_BT >= 0]]
        return windows_BT


@dataclass(frozen=True)
class Spans:
    """Lines wherever they are in `ids`, in any order: line i has `lengths_B[i]` ids."""

    ids: NDArray[np.int32]
    starts_B: NDArray[np.int64]
    lengths_B: NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Aligned lines of two languages, alphabetical; no EOS anywhere."""

    languages: tuple[str, str]
    first: Lines
    second: Lines


@dataclass(frozen=True)
class NliPairs:
    """XNLI rows: no EOS anywhere; labels are 0 contradiction, 1 neutral, 2 entailment."""

    premise: Lines
    hypothesis: Lines
    labels: NDArray[np.int8]


def concatenate(blocks: list[Lines]) -> Lines:
    """All lines of all blocks, in a copy."""
    sizes = np.cumsum([0] + [block.tokens for block in blocks])
    offsets = [block.offsets[1:] + size for block, size in zip(blocks, sizes[:-1], strict=True)]
    return Lines(
        np.concatenate([np.empty(0, dtype=np.int32), *(block.ids for block in blocks)]),
        np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
    )
