"""Accuracy and macro-F1 with intervals, from a confusion matrix.

scores = scores_of(confusion_matrix(labels, predicted, count=3), confidence=0.95, seed=0)
scores.accuracy, scores.low, scores.high, scores.macro_f1
"""

import numpy as np
from numpy.typing import NDArray

from xlm.classification.evaluation.f1 import bootstrap_interval, macro_f1
from xlm.classification.evaluation.intervals import wilson_interval
from xlm.classification.results.records import Scores


def scores_of(confusion_CC: NDArray[np.int64], confidence: float, seed: int) -> Scores:
    """The scores of a confusion matrix of at least one row.

    Args:
        confusion_CC: counts by label (first axis) and predicted label (second axis).
        confidence: coverage of the intervals.
        seed: seed of the bootstrap.
    """
    right, total = int(np.trace(confusion_CC)), int(confusion_CC.sum())
    low, high = wilson_interval(right, total, confidence)
    f1_low, f1_high = bootstrap_interval(confusion_CC, confidence=confidence, seed=seed)
    return Scores(
        accuracy=right / total,
        right=right,
        total=total,
        low=low,
        high=high,
        macro_f1=macro_f1(confusion_CC),
        macro_f1_low=f1_low,
        macro_f1_high=f1_high,
        confusion=tuple(tuple(row) for row in confusion_CC.tolist()),
    )
