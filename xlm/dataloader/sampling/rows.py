"""Batches of labelled rows: shuffled for training, of similar lengths for prediction.

    lengths = row_lengths(examples, max_tokens=256)
    shuffled_batches(lengths, 32, random, by_length=True)  # row numbers of each batch of an epoch
    batches_by_length(lengths, most_rows=64, most_tokens=4096)

XLM: rows of a training batch need not have similar lengths (spec 5).
"""

import numpy as np
from numpy.typing import NDArray

from xlm.dataloader.sampling.pairs import line_lengths
from xlm.shards.lines import Examples

_WINDOW_BATCHES = 50
"""Batches that are sorted together: enough for similar lengths, few enough to stay random."""


def row_lengths(examples: Examples, *, max_tokens: int) -> NDArray[np.int64]:
    """Tokens of each row as `xlm.dataloader.sequences.join_examples` builds it, with its EOS."""
    first = np.minimum(line_lengths(examples.first), max_tokens - 2) + 2
    if examples.second is None:
        return first
    return first + np.minimum(line_lengths(examples.second), max_tokens - 2) + 1


def shuffled_batches(
    lengths: NDArray[np.int64],
    rows: int,
    random: np.random.Generator,
    *,
    by_length: bool = False,
) -> list[NDArray[np.int64]]:
    """Batches of row numbers in a new random order; the rows of a last small batch are left out.

    `by_length`: sort the rows of each 50 batches by length, and shuffle the batches. An epoch has
    the same rows as without it.
    """
    order = random.permutation(len(lengths))
    rows = max(min(rows, len(order)), 1)
    order = order[: len(order) - len(order) % rows]
    if not by_length:
        return [order[start : start + rows] for start in range(0, len(order), rows)]
    window = _WINDOW_BATCHES * rows
    batches = []
    for start in range(0, len(order), window):
        rows_W = order[start : start + window]
        rows_W = rows_W[np.argsort(lengths[rows_W], kind="stable")]
        batches += [rows_W[begin : begin + rows] for begin in range(0, len(rows_W), rows)]
    return [batches[number] for number in random.permutation(len(batches))]


def batches_by_length(
    lengths: NDArray[np.int64], *, most_rows: int, most_tokens: int
) -> list[NDArray[np.int64]]:
    """Batches of row numbers, sorted by length, each row once.

    Args:
        lengths: tokens of each row.
        most_rows: maximum number of rows per batch.
        most_tokens: maximum number of tokens per batch, padding included; a longer row is
            alone in its batch.
    """
    order = np.argsort(lengths, kind="stable")
    batches, begin = [], 0
    for end in range(1, len(order) + 1):
        # The next row is the longest of the batch so far.
        is_last = end == len(order)
        if (
            is_last
            or end - begin == most_rows
            or ((end + 1 - begin) * lengths[order[end]] > most_tokens)
        ):
            batches.append(order[begin:end])
            begin = end
    return batches
