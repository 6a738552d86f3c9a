"""Batches of sentence pairs with a budget of tokens, of similar lengths by default.

    random = generator(seed, "tlm.en-sw", epoch)
    batches = split_into_batches(joined_lengths(pairs.lengths_N2), 4000, random)
    batches[0]  # indices of the pairs of one batch

XLM: a new permutation, sorted stably by n1 + n2 + 4 and split where the cumulative sum passes a
multiple of the budget; then the batches are shuffled (spec 3.2).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import PretrainConfig
from xlm.shards.lines import Lines, Pairs

PAIR_EOS_TOKENS = 4
"""EOS tokens of a joined pair."""


def line_lengths(lines: Lines) -> NDArray[np.int64]:
    """The number of ids of each line."""
    return np.diff(lines.offsets)


def pair_lengths(pairs: Pairs) -> NDArray[np.int64]:
    """Tokens of each joined pair, its four EOS included."""
    return line_lengths(pairs.first) + line_lengths(pairs.second) + PAIR_EOS_TOKENS


def joined_lengths(lengths_N2: NDArray[np.integer[Any]]) -> NDArray[np.unsignedinteger[Any]]:
    """Tokens of joined pairs from the lengths of their sides, in the smallest sufficient dtype.

    numpy sorts dtypes of at most two bytes in linear time.
    """
    most = int(lengths_N2.max(initial=0)) * 2 + PAIR_EOS_TOKENS
    small = np.min_scalar_type(most)
    return lengths_N2.sum(1, dtype=small) + small.type(PAIR_EOS_TOKENS)  # type: ignore[no-any-return]


def longest_side(config: PretrainConfig, positions: int) -> int:
    """The most tokens that one side of a training pair may have.

    With its two EOS, a side must fit the table of `positions`, as in validation.
    """
    return min(config.pair_max_tokens, positions - PAIR_EOS_TOKENS // 2)


def usable_pairs(pairs: Pairs, max_tokens: int | None = None) -> NDArray[np.int64]:
    """Indices of the pairs with two non-empty sides of at most `max_tokens` tokens (None: any)."""
    first, second = line_lengths(pairs.first), line_lengths(pairs.second)
    keep = np.minimum(first, second) > 0
    if max_tokens is not None:
        keep &= np.maximum(first, second) <= max_tokens
    return np.flatnonzero(keep)


class PairBatches:
    """Batches of pair indices: one order of all indices, and where each batch is in it."""

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


def split_into_batches(
    lengths: NDArray[np.integer[Any]],
    budget_tokens: int,
    random: np.random.Generator,
    *,
    by_length: bool = True,
) -> PairBatches:
    """Batches of indices into `lengths` in a new random order, held in 4 bytes per index.

    `by_length`: the pairs of a batch have similar lengths; otherwise they are in random order.
    """
    # Shuffling draws the same random numbers for elements of any size.
    order = random.permutation(np.arange(len(lengths), dtype=np.uint32))
    if by_length:
        order = order[np.argsort(lengths[order], kind="stable")]
    batch_of = np.cumsum(lengths[order], dtype=np.int64) // budget_tokens
    cuts = np.flatnonzero(np.diff(batch_of)) + 1
    borders = np.concatenate([[0], cuts, [len(order)]])
    return PairBatches(order, borders, random.permutation(len(borders) - 1))
