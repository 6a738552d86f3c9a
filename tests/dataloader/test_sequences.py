"""Rows of sentences and pairs (spec 3.3 and 5)."""

import numpy as np

from xlm.dataloader.sequences import enclose_sentences, join_examples, join_translations
from xlm.shards.lines import Examples, Lines, Spans


def lines(*rows: list[int]) -> Lines:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return Lines(np.array([i for row in rows for i in row], dtype=np.int32), offsets)


def every(lines: Lines) -> Spans:
    return lines.spans(np.arange(len(lines)))


def test_translations_restart_positions_and_have_four_eos() -> None:
    sequences = join_translations(
        every(lines([20, 21], [22])), every(lines([30], [31, 32, 33])),
        language_ids=(4, 9), positions=512,
    )  # fmt: skip
    assert sequences.tokens_BT.tolist() == [
        [1, 20, 21, 1, 1, 30, 1, 2],
        [1, 22, 1, 1, 31, 32, 33, 1],
    ]
    assert sequences.languages_BT.tolist() == [[4] * 4 + [9] * 4, [4] * 3 + [9] * 5]
    assert sequences.positions_BT.tolist() == [[0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 2, 0, 1, 2, 3, 4]]
    assert sequences.attention_mask_BT.tolist() == [[True] * 7 + [False], [True] * 8]
    assert (sequences.tokens_BT == 1).sum(1).tolist() == [4, 4]


def test_positions_of_padding_are_in_the_table() -> None:
    sequences = join_translations(
        every(lines([20], [20] * 8)), every(lines([30], [30] * 8)),
        language_ids=(0, 1), positions=10,
    )  # fmt: skip
    assert sequences.positions_BT.max() == 9


def examples(first: Lines, second: Lines | None) -> Examples:
    return Examples(first, second, np.zeros(len(first), dtype=np.int64))


def test_labelled_sentences_are_enclosed_and_truncated() -> None:
    sequences = join_examples(
        examples(lines([20, 21, 22], [23]), None), np.array([1, 0]),
        language_ids=np.array([4, 9]), max_tokens=4,
    )  # fmt: skip
    assert sequences.tokens_BT.tolist() == [[1, 23, 1, 2], [1, 20, 21, 1]]
    assert sequences.languages_BT.tolist() == [[4] * 4, [9] * 4]


def test_nli_pairs_continue_positions_and_have_three_eos() -> None:
    sequences = join_examples(
        examples(lines([20, 21], [22]), lines([30], [31, 32, 33])), np.array([1, 0]),
        language_ids=np.array([4, 9]), max_tokens=256,
    )  # fmt: skip
    assert sequences.tokens_BT.tolist() == [[1, 22, 1, 31, 32, 33, 1], [1, 20, 21, 1, 30, 1, 2]]
    assert sequences.languages_BT.tolist() == [[4] * 7, [9] * 7]
    assert sequences.positions_BT.tolist() == [list(range(7))] * 2
    assert (sequences.tokens_BT == 1).sum(1).tolist() == [3, 3]


def test_nli_sentences_are_truncated_to_the_limit_with_both_eos() -> None:
    sequences = join_examples(
        examples(lines([20, 21, 22, 23]), lines([30, 31, 32])), np.array([0]),
        language_ids=np.array([4]), max_tokens=4,
    )  # fmt: skip
    assert sequences.tokens_BT.tolist() == [[1, 20, 21, 1, 30, 31, 1]]


def test_single_sentences_are_enclosed_in_eos() -> None:
    sequences = enclose_sentences(lines([20, 21], [22]), np.array([0, 1]), language_id=3)
    assert sequences.tokens_BT.tolist() == [[1, 20, 21, 1], [1, 22, 1, 2]]
    assert sequences.attention_mask_BT.sum() == 7
