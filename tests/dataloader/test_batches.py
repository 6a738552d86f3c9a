"""Stream batches, pair batches, concatenation: the specification's sections 3.1 to 3.3."""

import math
from itertools import islice

import numpy as np
import pytest
from torch.distributed.checkpoint.stateful import Stateful

from xlm.dataloader.sampling.pairs import (
    joined_lengths,
    pair_lengths,
    split_into_batches,
    usable_pairs,
)
from xlm.dataloader.sampling.sampler import EpochSampler
from xlm.dataloader.sampling.streams import Stream
from xlm.dataloader.sequences import enclose_sentences, join_nli_pairs, join_translations
from xlm.shards.lines import Lines, Pairs, Spans


def lines(*rows: list[int]) -> Lines:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return Lines(np.array([i for row in rows for i in row], dtype=np.int32), offsets)


def every(lines: Lines) -> Spans:
    return lines.spans(np.arange(len(lines)))


def chunks_by_the_formula(ids: list[int], rows: int, tokens: int) -> list[np.ndarray]:
    """Spec 3.1, word for word: a buffer in memory, time-major."""
    count = math.ceil(len(ids) / (rows * tokens))
    buffer = np.full(count * tokens * rows, 1)
    buffer[len(buffer) - len(ids) :] = ids
    columns = buffer.reshape(rows, count * tokens).T
    columns = np.concatenate([np.ones((1, rows), dtype=int), columns])
    return [columns[k * tokens : (k + 1) * tokens].T for k in range(count)]


@pytest.mark.parametrize(
    ("length", "rows", "tokens"), [(24, 2, 4), (23, 2, 4), (5, 3, 4), (1, 1, 2)]
)
def test_stream_chunks_are_the_formula_s(length: int, rows: int, tokens: int) -> None:
    ids = list(range(100, 100 + length))
    stream = Stream(lines(ids), rows=rows, tokens=tokens)
    expected = chunks_by_the_formula(ids, rows, tokens)
    assert len(stream) == len(expected)
    for number, chunk in enumerate(expected):
        np.testing.assert_array_equal(stream.chunk(number), chunk)


def test_streams_begin_with_eos_and_go_on_where_they_stopped() -> None:
    stream = Stream(lines(list(range(100, 116))), rows=2, tokens=4)
    first, second = stream.chunk(0), stream.chunk(1)
    assert first.tolist() == [[1, 100, 101, 102], [1, 108, 109, 110]]
    assert second[:, 0].tolist() == [103, 111]


def test_padding_of_a_stream_is_eos_at_the_front() -> None:
    stream = Stream(lines(list(range(100, 105))), rows=2, tokens=4)
    assert stream.chunk(0).tolist() == [[1, 1, 1, 1], [1, 101, 102, 103]]


def test_pair_batches_hold_about_the_budget_and_similar_lengths() -> None:
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


def test_pair_batches_cut_where_the_running_sum_passes_the_budget() -> None:
    lengths = np.array([10, 10, 10, 10])
    sizes = sorted(
        len(batch) for batch in split_into_batches(lengths, 20, np.random.default_rng(0))
    )
    # Running sums 10, 20, 30, 40: floor(sum / 20) is 0, 1, 1, 2.
    assert sizes == [1, 1, 2]


def test_pair_batches_follow_the_generator() -> None:
    lengths = np.arange(10, 200)
    first, again, other = (
        [b.tolist() for b in split_into_batches(lengths, 500, np.random.default_rng(s))]
        for s in (3, 3, 4)
    )
    assert first == again != other


def test_empty_and_long_sides_are_left_out() -> None:
    pairs = Pairs(
        ("en", "sw"), lines([20], [], [21, 22, 23], [24]), lines([30], [31], [32], [33, 34])
    )
    assert usable_pairs(pairs).tolist() == [0, 2, 3]
    assert usable_pairs(pairs, 2).tolist() == [0, 3]
    assert pair_lengths(pairs).tolist() == [6, 5, 8, 7]


@pytest.mark.parametrize("longest", [1, 100, 125, 126, 255, 40_000])
def test_joined_lengths_take_the_bytes_that_hold_them(longest: int) -> None:
    lengths = np.array([[1, longest], [longest, longest]])
    small = lengths.astype(np.min_scalar_type(longest))
    assert joined_lengths(small).tolist() == [1 + longest + 4, 2 * longest + 4]
    assert joined_lengths(small).itemsize <= 2 * small.itemsize


def test_translations_restart_positions_and_hold_four_eos() -> None:
    joined = join_translations(
        every(lines([20, 21], [22])), every(lines([30], [31, 32, 33])),
        language_ids=(4, 9), positions=512,
    )  # fmt: skip
    assert joined.tokens_BT.tolist() == [[1, 20, 21, 1, 1, 30, 1, 2], [1, 22, 1, 1, 31, 32, 33, 1]]
    assert joined.languages_BT.tolist() == [[4] * 4 + [9] * 4, [4] * 3 + [9] * 5]
    assert joined.positions_BT.tolist() == [[0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 2, 0, 1, 2, 3, 4]]
    assert joined.attention_mask_BT.tolist() == [[True] * 7 + [False], [True] * 8]
    assert (joined.tokens_BT == 1).sum(1).tolist() == [4, 4]


def test_padding_never_leaves_the_position_table() -> None:
    joined = join_translations(
        every(lines([20], [20] * 8)), every(lines([30], [30] * 8)),
        language_ids=(0, 1), positions=10,
    )  # fmt: skip
    assert joined.positions_BT.max() == 9


def test_inferences_run_on_and_hold_three_eos() -> None:
    joined = join_nli_pairs(
        lines([20, 21], [22]), lines([30], [31, 32, 33]), np.array([1, 0]),
        language_ids=np.array([4, 9]), max_tokens=256,
    )  # fmt: skip
    assert joined.tokens_BT.tolist() == [[1, 22, 1, 31, 32, 33, 1], [1, 20, 21, 1, 30, 1, 2]]
    assert joined.languages_BT.tolist() == [[4] * 7, [9] * 7]
    assert joined.positions_BT.tolist() == [list(range(7))] * 2
    assert (joined.tokens_BT == 1).sum(1).tolist() == [3, 3]


def test_inferences_are_cut_to_the_limit_with_both_eos() -> None:
    joined = join_nli_pairs(
        lines([20, 21, 22, 23]), lines([30, 31, 32]), np.array([0]),
        language_ids=np.array([4]), max_tokens=4,
    )  # fmt: skip
    assert joined.tokens_BT.tolist() == [[1, 20, 21, 1, 30, 31, 1]]


def test_single_lines_are_enclosed() -> None:
    joined = enclose_sentences(lines([20, 21], [22]), np.array([0, 1]), language_id=3)
    assert joined.tokens_BT.tolist() == [[1, 20, 21, 1], [1, 22, 1, 2]]
    assert joined.attention_mask_BT.sum() == 7


def test_a_sampler_visits_every_item_once_an_epoch_and_resumes() -> None:
    def order(epoch: int) -> list[int]:
        return [10 * epoch + item for item in range(3)]

    sampler: EpochSampler[int] = EpochSampler(order)
    assert list(islice(sampler, 4)) == [0, 1, 2, 10]
    state = sampler.state_dict()
    assert state == {"epoch": 1, "done": 1}
    rest = list(islice(sampler, 5))
    again: EpochSampler[int] = EpochSampler(order)
    again.load_state_dict(state)
    assert list(islice(again, 5)) == rest
    again.load_state_dict({"epoch": 0, "done": 3})
    assert next(again) == 10


def test_samplers_follow_the_stateful_protocol_of_torch() -> None:
    assert isinstance(EpochSampler(lambda epoch: [epoch]), Stateful)
