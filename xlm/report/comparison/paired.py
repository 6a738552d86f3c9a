"""Differences between two classifiers on the same rows.

difference = paired_accuracy(first_right, second_right, confidence=0.95)
difference.value, difference.low, difference.high, difference.p_value
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xlm.classification.evaluation.intervals import wilson_interval
from xlm.engine.config import Config

REPLICATES = 2000
"""Number of bootstrap samples."""


class Difference(Config):
    """A difference, second minus first, with its interval."""

    value: float
    low: float
    high: float
    p_value: float | None = None
    """McNemar's exact test that both classifiers have the same accuracy."""
    rows: int
    only_first_right: int | None = None
    only_second_right: int | None = None


def paired_accuracy(
    first_right_N: NDArray[np.bool_], second_right_N: NDArray[np.bool_], *, confidence: float
) -> Difference:
    """Compare the accuracies of two classifiers on the same N rows.

    The interval is method 10 of Newcombe 1998 for paired proportions. Unlike a bootstrap, it is
    also valid if no row, or every row, differs.
    """
    total = len(first_right_N)
    both = int((first_right_N & second_right_N).sum())
    only_first = int((first_right_N & ~second_right_N).sum())
    only_second = int((~first_right_N & second_right_N).sum())
    neither = total - both - only_first - only_second
    low, high = _newcombe(both, only_second, only_first, neither, confidence)
    return Difference(
        value=(only_second - only_first) / total,
        low=low,
        high=high,
        p_value=mcnemar(only_first, only_second),
        rows=total,
        only_first_right=only_first,
        only_second_right=only_second,
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test, for the rows that one classifier got right."""
    total, fewer = only_first + only_second, min(only_first, only_second)
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(fewer + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(one - total * math.log(2)) for one in logs))


def bootstrap_mean_accuracy(
    differences: Sequence[NDArray[np.int8]], *, same_rows: bool, confidence: float, seed: int
) -> Difference:
    """The difference of mean accuracies over languages, with a paired bootstrap interval.

    Args:
        differences: for each language and row, 1 if only the second classifier was right, -1 if
            only the first, else 0.
        same_rows: whether row i is the same example in every language, as in XNLI. Then a sample
            has the same rows of every language, because their errors are correlated.
        confidence: coverage of the interval.
        seed: seed of the samples.
    """
    random = np.random.default_rng(seed)
    if same_rows:
        by_row_N = np.mean([one.astype(np.float64) for one in differences], axis=0)
        values_U, counts_U = np.unique(by_row_N, return_counts=True)
        samples_RU = random.multinomial(len(by_row_N), counts_U / len(by_row_N), size=REPLICATES)
        means = samples_RU @ values_U / len(by_row_N)
    else:
        means = np.zeros(REPLICATES)
        for one in differences:
            shares = np.array([(one == value).mean() for value in (-1, 0, 1)])
            counts = random.multinomial(len(one), shares, size=REPLICATES)
            means += (counts[:, 2] - counts[:, 0]) / len(one) / len(differences)
    low, high = _interval(means, confidence)
    value = float(np.mean([one.mean() for one in differences]))
    return Difference(value=value, low=low, high=high, rows=sum(map(len, differences)))


def bootstrap_macro_f1(
    labels_N: NDArray[np.int64],
    first_N: NDArray[np.int64],
    second_N: NDArray[np.int64],
    *,
    confidence: float,
    seed: int,
) -> Difference:
    """The difference of macro-F1 on the same N rows, with a paired bootstrap interval."""
    triples_UK, counts_U = np.unique(
        np.stack([labels_N, first_N, second_N], axis=1), axis=0, return_counts=True
    )
    total = len(labels_N)

    def difference(counts_RU: NDArray[np.int64]) -> NDArray[np.float64]:
        gold_U, first_U, second_U = triples_UK.T
        return _macro_f1(gold_U, second_U, counts_RU) - _macro_f1(gold_U, first_U, counts_RU)

    # A sample of the rows has multinomial counts of the different triples.
    random = np.random.default_rng(seed)
    samples = difference(random.multinomial(total, counts_U / total, size=REPLICATES))
    low, high = _interval(samples, confidence)
    return Difference(value=float(difference(counts_U[None])[0]), low=low, high=high, rows=total)


def _interval(samples: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _macro_f1(
    labels_U: NDArray[np.int64], predicted_U: NDArray[np.int64], counts_RU: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean F1 of the labels that occur or are predicted in each sample, (R,)."""
    scores, occurs = [], []
    for label in np.union1d(labels_U, predicted_U):
        is_label, is_predicted = labels_U == label, predicted_U == label
        total_R = counts_RU[:, is_label].sum(1) + counts_RU[:, is_predicted].sum(1)
        right_R = counts_RU[:, is_label & is_predicted].sum(1)
        scores.append(2 * right_R / np.maximum(total_R, 1))
        occurs.append(total_R > 0)
    mean_R: NDArray[np.float64] = np.sum(scores, axis=0) / np.sum(occurs, axis=0)
    return mean_R


def _newcombe(
    both: int, only_second: int, only_first: int, neither: int, confidence: float
) -> tuple[float, float]:
    """The interval of `(only_second - only_first) / total`."""
    total = both + only_second + only_first + neither
    second, first = both + only_second, both + only_first
    low_second, high_second = wilson_interval(second, total, confidence)
    low_first, high_first = wilson_interval(first, total, confidence)
    product = second * (total - second) * first * (total - first)
    cross = float(both * neither - only_second * only_first)
    if cross > 0:
        cross = max(cross - total / 2, 0.0)  # the continuity correction of the method
    correlation = cross / math.sqrt(product) if product else 0.0
    value = (only_second - only_first) / total
    below = (second / total - low_second, high_first - first / total)
    above = (high_second - second / total, first / total - low_first)
    return value - _joined(*below, correlation), value + _joined(*above, correlation)


def _joined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one * one - 2 * correlation * one * other + other * other, 0.0))
