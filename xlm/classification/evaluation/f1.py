"""Confusion matrices and the macro-averaged F1 score, with a bootstrap interval.

confusion_CC = confusion_matrix(labels, predicted, count=3)
macro_f1(confusion_CC), bootstrap_interval(confusion_CC, confidence=0.95, seed=0)
"""

import numpy as np
from numpy.typing import NDArray

from xlm.dataloader.randomness import generator

REPLICATES = 1000
"""Number of bootstrap samples."""


def confusion_matrix(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Count rows by label (first axis) and predicted label (second axis), (C, C).

    Args:
        count: number of labels, C.
    """
    cells = np.bincount(labels * count + predicted, minlength=count * count)
    return cells.reshape(count, count).astype(np.int64)


def macro_f1(confusion_CC: NDArray[np.int64]) -> float:
    """The mean F1 score of the labels that occur or are predicted.

    Labels that do neither are left out, as scikit-learn's `f1_score(average="macro")` does.
    """
    return float(_macro_f1(confusion_CC[None])[0])


def bootstrap_interval(
    confusion_CC: NDArray[np.int64], *, confidence: float, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of macro-F1.

    A bootstrap sample of the rows has multinomial counts in the cells of the matrix, so the rows
    themselves are not needed.
    """
    total = int(confusion_CC.sum())
    random = generator(seed, "bootstrap", total)
    shares = confusion_CC.reshape(-1) / total
    samples = random.multinomial(total, shares, size=REPLICATES)
    scores = _macro_f1(samples.reshape(REPLICATES, *confusion_CC.shape))
    low, high = np.quantile(scores, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _macro_f1(confusion_NCC: NDArray[np.int64]) -> NDArray[np.float64]:
    right_NC = np.diagonal(confusion_NCC, axis1=1, axis2=2)
    total_NC = confusion_NCC.sum(1) + confusion_NCC.sum(2)
    occurs_NC = total_NC > 0
    scores_NC = np.where(occurs_NC, 2 * right_NC / np.maximum(total_NC, 1), 0.0)
    mean_N: NDArray[np.float64] = scores_NC.sum(1) / np.maximum(occurs_NC.sum(1), 1)
    return mean_N
