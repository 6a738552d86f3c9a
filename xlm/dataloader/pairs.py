"""Batches of sentence pairs, of similar length if asked, by a budget of real tokens.

    random = generator(seed, "tlm.en-sw", epoch)
    groups = group_pairs(joined_tokens(pairs.lengths_N2), 4000, random)
    groups[0]  # numbers of the pairs of one batch

XLM: a fresh permutation, stable-sorted by n1 + n2 + 4, cut where the running sum passes a multiple
of the budget; then the batches are shuffled (spec 3.2).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import PretrainConfig
from xlm.shards.lines import Lines, Pairs

PAIR_SPECIAL_TOKENS = 4
"""EOS ids of a joined pair."""


def line_tokens(lines: Lines) -> NDArray[np.int64]:
    """Ids of each line."""
    return np.diff(lines.offsets)


def pair_tokens(pairs: Pairs) -> NDArray[np.int64]:
    """Real tokens of each joined pair, its four EOS included."""
    return line_tokens(pairs.first) + line_tokens(pairs.second) + PAIR_SPECIAL_TOKENS


def joined_tokens(lengths_N2: NDArray[np.integer[Any]]) -> NDArray[np.unsignedinteger[Any]]:
    """Real tokens of pairs with sides of these lengths, in as few bytes as hold the largest.

    Two bytes or fewer are also what numpy sorts in linear time.
    """
    most = int(lengths_N2.max(initial=0)) * 2 + PAIR_SPECIAL_TOKENS
    small = np.min_scalar_type(most)
    return lengths_N2.sum(1, dtype=small) + small.type(PAIR_SPECIAL_TOKENS)  # type: ignore[no-any-return]


def longest_side(config: PretrainConfig, positions: int) -> int:
    """Tokens that a side of a training pair may have.

    It must fit the table of `positions` with its two EOS, as in validation.
    """
    return min(config.pair_max_tokens, positions - PAIR_SPECIAL_TOKENS // 2)


def usable_pairs(pairs: Pairs, max_tokens: int | None = None) -> NDArray[np.int64]:
    """Numbers of the pairs without an empty side and, if asked, without a side too long."""
    first, second = line_tokens(pairs.first), line_tokens(pairs.second)
    keep = np.minimum(first, second) > 0
    if max_tokens is not None:
        keep &= np.maximum(first, second) <= max_tokens
    return np.flatnonzero(keep)


class Groups:
    """Batches of numbers, as one order of all numbers and where each batch is in it."""

    def __init__(
        self,
        order: NDArray[np.uint32],
        borders: NDArray[np.int64],
        batches: NDArray[np.int64],
    ) -> None:
        self._order, self._borders, self._batches = order, borders, batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> NDArray[np.uint32]:
        batch = self._batches[number]
        return self._order[self._borders[batch] : self._borders[batch + 1]]


def group_pairs(
    lengths: NDArray[np.integer[Any]],
    budget_tokens: int,
    random: np.random.Generator,
    *,
    by_length: bool = True,
) -> Groups:
    """Batches of numbers into `lengths`, in a new order on each call; 4 bytes a number stay.

    `by_length`: pairs of a batch have similar lengths; else any that follow each other by chance.
    """
    # A shuffle draws the same numbers for elements of any size.
    order = random.permutation(np.arange(len(lengths), dtype=np.uint32))
    if by_length:
        order = order[np.argsort(lengths[order], kind="stable")]
    batch_of = np.cumsum(lengths[order], dtype=np.int64) // budget_tokens
    cuts = np.flatnonzero(np.diff(batch_of)) + 1
    borders = np.concatenate([[0], cuts, [len(order)]])
    return Groups(order, borders, random.permutation(len(borders) - 1))
