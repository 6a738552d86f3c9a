"""Batches of labelled rows: orders of training, and batches of similar lengths."""

from itertools import chain

import numpy as np
import pytest
from numpy.typing import NDArray

from xlm.dataloader.randomness import generator
from xlm.dataloader.sampling.rows import batches_by_length, row_lengths, shuffled_batches
from xlm.dataloader.sequences import join_examples
from xlm.shards.lines import Examples, Lines

LENGTHS = generator(0, "lengths").integers(5, 90, size=3210)
ROWS = 16


def order(epoch: int, *, by_length: bool, lengths: NDArray[np.int64] = LENGTHS) -> list[list[int]]:
    random = generator(7, "pairs", 0, epoch)
    found = shuffled_batches(lengths, ROWS, random, by_length=by_length)
    return [batch.tolist() for batch in found]


def padding(batches: list[list[int]]) -> float:
    return sum(len(batch) * LENGTHS[batch].max() - LENGTHS[batch].sum() for batch in batches) / sum(
        LENGTHS[batch].sum() for batch in batches
    )


def test_the_default_is_a_permutation_cut_into_batches() -> None:
    permutation = generator(7, "pairs", 0, 2).permutation(len(LENGTHS))
    batches = order(2, by_length=False)
    assert len(batches) == len(LENGTHS) // ROWS
    assert list(chain.from_iterable(batches)) == permutation[: len(batches) * ROWS].tolist()


def test_an_epoch_by_length_has_the_rows_of_the_default_once_each() -> None:
    for epoch in (0, 1):
        found = list(chain.from_iterable(order(epoch, by_length=True)))
        assert len(set(found)) == len(found) == len(LENGTHS) // ROWS * ROWS
        assert sorted(found) == sorted(chain.from_iterable(order(epoch, by_length=False)))


def test_batches_by_length_have_full_size_and_little_padding() -> None:
    batches = order(0, by_length=True)
    assert {len(batch) for batch in batches} == {ROWS}
    assert padding(batches) < 0.05 < 0.5 < padding(order(0, by_length=False))


def test_batches_by_length_are_shuffled_and_depend_on_seed_and_epoch_alone() -> None:
    assert order(3, by_length=True) == order(3, by_length=True) != order(4, by_length=True)
    means = [float(LENGTHS[batch].mean()) for batch in order(3, by_length=True)]
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, ROWS + 1])
@pytest.mark.parametrize("by_length", [False, True])
def test_few_rows_make_one_batch(count: int, by_length: bool) -> None:
    batches = order(0, by_length=by_length, lengths=LENGTHS[:count])
    assert [len(batch) for batch in batches] == [min(count, ROWS)] * (count > 0)


def test_prediction_has_every_row_once_within_both_limits() -> None:
    batches = batches_by_length(LENGTHS, most_rows=20, most_tokens=1000)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(LENGTHS)))
    sizes = [(len(batch), len(batch) * int(LENGTHS[batch].max())) for batch in batches]
    assert max(rows for rows, _ in sizes) == 20
    assert max(tokens for _, tokens in sizes) <= 1000
    # Each limit ends a batch.
    assert any(rows == 20 for rows, _ in sizes)
    assert any(rows < 20 for rows, _ in sizes[:-1])


def test_a_row_above_the_budget_has_its_own_batch() -> None:
    found = batches_by_length(np.array([9, 3, 30, 3]), most_rows=8, most_tokens=10)
    assert [batch.tolist() for batch in found] == [[1, 3], [0], [2]]
    assert batches_by_length(np.array([], dtype=np.int64), most_rows=8, most_tokens=10) == []


@pytest.mark.parametrize("is_pair", [False, True])
def test_lengths_are_those_of_the_joined_rows(is_pair: bool) -> None:
    random = np.random.default_rng(0)

    def lines() -> Lines:
        return Lines.of([np.full(n, 20, dtype=np.int32) for n in random.integers(0, 12, size=9)])

    examples = Examples(lines(), lines() if is_pair else None, np.zeros(9, dtype=np.int64))
    rows = np.arange(9)
    joined = join_examples(examples, rows, language_ids=np.zeros(9, dtype=np.int64), max_tokens=8)
    assert row_lengths(examples, max_tokens=8).tolist() == joined.lengths.tolist()
