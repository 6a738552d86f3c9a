"""Batches of sentence pairs of similar length, by a budget of real tokens.

    kept = usable_pairs(pairs, max_tokens=100)
    batches = group_pairs(pair_tokens(pairs)[kept], 4000, generator(seed, "tlm.en-sw", epoch))
    pairs_of_batch = kept[batches[0]]

XLM: a fresh permutation, stable-sorted by n1 + n2 + 4, cut where the running sum passes a multiple
of the budget; then the batches are shuffled (spec 3.2).
"""

import numpy as np
from numpy.typing import NDArray

from xlm.shards.reader import Lines, Pairs

PAIR_SPECIALS = 4
"""EOS ids of a joined pair."""


def line_tokens(lines: Lines) -> NDArray[np.int64]:
    """Ids of each line."""
    return np.diff(lines.offsets)


def pair_tokens(pairs: Pairs) -> NDArray[np.int64]:
    """Real tokens of each joined pair, its four EOS included."""
    return line_tokens(pairs.first) + line_tokens(pairs.second) + PAIR_SPECIALS


def usable_pairs(pairs: Pairs, max_tokens: int | None = None) -> NDArray[np.int64]:
    """Numbers of the pairs without an empty side and, if asked, without a side too long."""
    first, second = line_tokens(pairs.first), line_tokens(pairs.second)
    keep = np.minimum(first, second) > 0
    if max_tokens is not None:
        keep &= np.maximum(first, second) <= max_tokens
    return np.flatnonzero(keep)


def group_pairs(
    lengths: NDArray[np.int64], budget_tokens: int, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Batches of numbers into `lengths`, in a new order on each call."""
    order = random.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    batch_of = np.cumsum(lengths[order]) // budget_tokens
    batches = np.split(order, np.flatnonzero(np.diff(batch_of)) + 1)
    return [batches[index] for index in random.permutation(len(batches))]
