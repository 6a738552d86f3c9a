"""Batches of pairs (spec 3.2)."""

import numpy as np
import pytest

from tests.shards.rows import lines_of
from xlm.dataloader.sampling.pairs import (
    joined_lengths,
    pair_lengths,
    split_into_batches,
    usable_pairs,
)
from xlm.shards.lines import Pairs


def test_batches_have_about_the_budget_and_similar_lengths() -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(6, 60, 3000)
    batches = split_into_batches(lengths, 400, np.random.default_rng(1))
    together = np.concatenate(batches)
    assert sorted(together.tolist()) == list(range(3000))
    sums = [int(lengths[batch].sum()) for batch in batches]
    assert max(sums) < 400 + 60
    assert np.mean(sums) == pytest.approx(400, rel=0.05)
    assert np.mean([np.ptp(lengths[batch]) for batch in batches]) < 2
    means = [lengths[batch].mean() for batch in batches]
    assert means != sorted(means), "batches must be shuffled after the sort"


def test_batches_are_split_where_the_cumulative_sum_passes_the_budget() -> None:
    lengths = np.array([10, 10, 10, 10])
    sizes = sorted(
        len(batch) for batch in split_into_batches(lengths, 20, np.random.default_rng(0))
    )
    # Cumulative sums 10, 20, 30, 40: floor(sum / 20) is 0, 1, 1, 2.
    assert sizes == [1, 1, 2]


def test_batches_depend_on_the_generator() -> None:
    lengths = np.arange(10, 200)
    first, again, other = (
        [b.tolist() for b in split_into_batches(lengths, 500, np.random.default_rng(s))]
        for s in (3, 3, 4)
    )
    assert first == again != other


def test_pairs_with_empty_or_long_sides_are_not_usable() -> None:
    pairs = Pairs(
        ("en", "sw"),
        lines_of([[20], [], [21, 22, 23], [24]]),
        lines_of([[30], [31], [32], [33, 34]]),
    )
    assert usable_pairs(pairs).tolist() == [0, 2, 3]
    assert usable_pairs(pairs, 2).tolist() == [0, 3]
    assert pair_lengths(pairs).tolist() == [6, 5, 8, 7]


@pytest.mark.parametrize("longest", [1, 100, 125, 126, 255, 40_000])
def test_joined_lengths_have_the_smallest_sufficient_dtype(longest: int) -> None:
    lengths = np.array([[1, longest], [longest, longest]])
    small = lengths.astype(np.min_scalar_type(longest))
    assert joined_lengths(small).tolist() == [1 + longest + 4, 2 * longest + 4]
    assert joined_lengths(small).itemsize <= 2 * small.itemsize
