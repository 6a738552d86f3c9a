"""Stream batches (spec 3.1)."""

import math

import numpy as np
import pytest

from xlm.dataloader.sampling.streams import Stream
from xlm.shards.lines import Lines


def lines(ids: list[int]) -> Lines:
    """One line of ids."""
    return Lines(np.array(ids, dtype=np.int32), np.array([0, len(ids)]))


def chunks_by_the_formula(ids: list[int], rows: int, tokens: int) -> list[np.ndarray]:
    """Spec 3.1 literally: a buffer in memory, time-major."""
    count = math.ceil(len(ids) / (rows * tokens))
    buffer = np.full(count * tokens * rows, 1)
    buffer[len(buffer) - len(ids) :] = ids
    columns = buffer.reshape(rows, count * tokens).T
    columns = np.concatenate([np.ones((1, rows), dtype=int), columns])
    return [columns[k * tokens : (k + 1) * tokens].T for k in range(count)]


@pytest.mark.parametrize(
    ("length", "rows", "tokens"), [(24, 2, 4), (23, 2, 4), (5, 3, 4), (1, 1, 2)]
)
def test_chunks_equal_the_formula(length: int, rows: int, tokens: int) -> None:
    ids = list(range(100, 100 + length))
    stream = Stream(lines(ids), rows=rows, tokens=tokens)
    expected = chunks_by_the_formula(ids, rows, tokens)
    assert len(stream) == len(expected)
    for number, chunk in enumerate(expected):
        np.testing.assert_array_equal(stream.chunk(number), chunk)


def test_rows_begin_with_eos_and_continue_in_the_next_chunk() -> None:
    stream = Stream(lines(list(range(100, 116))), rows=2, tokens=4)
    first, second = stream.chunk(0), stream.chunk(1)
    assert first.tolist() == [[1, 100, 101, 102], [1, 108, 109, 110]]
    assert second[:, 0].tolist() == [103, 111]


def test_the_first_rows_are_filled_with_eos_at_the_front() -> None:
    stream = Stream(lines(list(range(100, 105))), rows=2, tokens=4)
    assert stream.chunk(0).tolist() == [[1, 1, 1, 1], [1, 101, 102, 103]]
