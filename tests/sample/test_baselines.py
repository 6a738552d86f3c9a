"""Classifiers without alignment stay near chance in the sample world."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.nli import LABELS, Row, evaluation_rows, training_rows

CEILING = 0.40
"""Maximum accuracy of each baseline; chance is one third."""

Features = Callable[[Row], Sequence[str]]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Labels = np.ndarray[tuple[int], np.dtype[np.int64]]


@pytest.fixture(scope="module")
def rows() -> tuple[list[Row], list[Row]]:
    """English training and test rows."""
    config = SampleConfig(train_pairs=9000, test_pairs=1500)
    return training_rows(config, "en"), list(evaluation_rows(config, "test")["en"])


@pytest.mark.slow
def test_the_majority_label_is_one_in_three(rows: tuple[list[Row], list[Row]]) -> None:
    for split in rows:
        counts = [sum(row[2] == label for row in split) for label in LABELS]
        assert max(counts) - min(counts) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("sentence", [0, 1], ids=["premise", "hypothesis"])
def test_one_sentence_does_not_determine_the_label(
    rows: tuple[list[Row], list[Row]], sentence: int
) -> None:
    assert _accuracy_of_words(rows, lambda row: _grams(row[sentence])) <= CEILING


@pytest.mark.slow
def test_words_of_both_sentences_do_not_determine_the_label(
    rows: tuple[list[Row], list[Row]],
) -> None:
    def both(row: Row) -> list[str]:
        return [f"p {gram}" for gram in _grams(row[0])] + [f"h {gram}" for gram in _grams(row[1])]

    assert _accuracy_of_words(rows, both) <= CEILING


@pytest.mark.slow
def test_lengths_do_not_determine_the_label(rows: tuple[list[Row], list[Row]]) -> None:
    assert _accuracy_of_words(rows, _lengths) <= CEILING


@pytest.mark.slow
def test_shared_words_do_not_determine_the_label(rows: tuple[list[Row], list[Row]]) -> None:
    """A model can see shared words in a language that it has not aligned."""

    def overlap(row: Row) -> list[str]:
        premise, hypothesis = set(_words(row[0])), set(_words(row[1]))
        return [
            f"shared {len(premise & hypothesis)}",
            f"only in the premise {len(premise - hypothesis)}",
            f"only in the hypothesis {len(hypothesis - premise)}",
        ]

    assert _accuracy_of_words(rows, overlap) <= CEILING


def _lengths(row: Row) -> list[str]:
    """One feature for each length and pair of lengths, which is more than a linear model has."""
    premise, hypothesis = (len(_words(sentence)) for sentence in row[:2])
    return [f"p {premise}", f"h {hypothesis}", f"both {premise} {hypothesis}"]


def _words(sentence: str) -> list[str]:
    return sentence.lower().rstrip(".").split()


def _grams(sentence: str) -> list[str]:
    words = ["<", *_words(sentence), ">"]
    return words + [" ".join(pair) for pair in pairwise(words)]


def _accuracy_of_words(rows: tuple[list[Row], list[Row]], features: Features) -> float:
    """Test accuracy of a multinomial logistic regression on counts of `features`."""
    train, test = rows
    names = {name for row in train for name in features(row)}
    index = {name: column for column, name in enumerate(sorted(names))}
    weights = _fit(*_table(train, features, index))
    inputs, labels = _table(test, features, index)
    return float(np.mean(np.argmax(inputs @ weights, axis=1) == labels))


def _table(rows: list[Row], features: Features, index: dict[str, int]) -> tuple[Matrix, Labels]:
    inputs = np.zeros((len(rows), len(index) + 1))
    inputs[:, -1] = 1.0
    for number, row in enumerate(rows):
        for name in features(row):
            if name in index:
                inputs[number, index[name]] += 1.0
    return inputs, np.array([LABELS.index(row[2]) for row in rows])  # type: ignore[arg-type]


def _fit(inputs: Matrix, labels: Labels, steps: int = 200, rate: float = 0.5) -> Matrix:
    """Full-batch gradient descent with momentum and weight decay."""
    weights = np.zeros((inputs.shape[1], len(LABELS)))
    momentum = np.zeros_like(weights)
    targets = np.eye(len(LABELS))[labels]
    for _ in range(steps):
        scores = inputs @ weights
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        gradient = inputs.T @ (shares - targets) / len(labels) + 1e-4 * weights
        momentum = 0.9 * momentum + gradient
        weights -= 0.1 * rate * momentum
    return weights
