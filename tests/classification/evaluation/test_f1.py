"""Confusion matrices and macro-F1."""

import numpy as np
import pytest

from xlm.classification.evaluation.f1 import bootstrap_interval, confusion_matrix, macro_f1
from xlm.classification.evaluation.scores import scores_of


def test_macro_f1_is_the_mean_over_labels_that_occur_or_are_predicted() -> None:
    labels, predicted = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 2, 1, 0, 0, 1])
    confusion = confusion_matrix(labels, predicted, 4)
    assert confusion.tolist() == [[2, 0, 0, 0], [1, 0, 1, 0], [0, 2, 0, 0], [0, 0, 0, 0]]
    # The example of scikit-learn's f1_score(average="macro"): 0.26...
    assert macro_f1(confusion) == pytest.approx(0.8 / 3)


def test_the_interval_contains_the_score_and_narrows_with_more_rows() -> None:
    few, many = np.array([[8, 2], [3, 7]]), np.array([[800, 200], [300, 700]])
    intervals = [bootstrap_interval(one, confidence=0.95, seed=0) for one in (few, many)]
    for (low, high), confusion in zip(intervals, (few, many), strict=True):
        assert low < macro_f1(confusion) < high
    assert intervals[1][1] - intervals[1][0] < (intervals[0][1] - intervals[0][0]) / 5
    assert bootstrap_interval(few, confidence=0.95, seed=0) == intervals[0]


def test_scores_of_a_matrix() -> None:
    scores = scores_of(np.array([[8, 2], [3, 7]]), confidence=0.95, seed=0)
    assert (scores.right, scores.total, scores.accuracy) == (15, 20, 0.75)
    assert scores.confusion == ((8, 2), (3, 7))
    assert scores.macro_f1 is not None
    assert scores.low < scores.macro_f1 < scores.high
