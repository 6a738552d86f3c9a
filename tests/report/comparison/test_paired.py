"""Paired tests and intervals, against published values and against brute force."""

from itertools import product

import numpy as np
import pytest

from xlm.report.comparison.paired import (
    bootstrap_macro_f1,
    bootstrap_mean_accuracy,
    mcnemar,
    paired_accuracy,
)


def rights(both: int, only_first: int, only_second: int, neither: int) -> list[np.ndarray]:
    pairs = [(1, 1)] * both + [(1, 0)] * only_first + [(0, 1)] * only_second + [(0, 0)] * neither
    return list(np.array(pairs, dtype=bool).T)


def test_the_interval_of_a_paired_difference_has_a_published_value() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table II, method 10: 36, 12, 2, 0.
    found = paired_accuracy(*rights(36, 2, 12, 0), confidence=0.95)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    assert (found.rows, found.only_first_right, found.only_second_right) == (50, 2, 12)
    swapped = paired_accuracy(*rights(36, 12, 2, 0), confidence=0.95)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))


def test_equal_predictions_have_an_interval_around_zero() -> None:
    found = paired_accuracy(*rights(20, 0, 0, 0), confidence=0.95)
    assert found.value == 0
    assert found.p_value == 1
    assert found.low < 0 < found.high


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (2, 7), (5, 5), (9, 1)])
def test_mcnemar_counts_all_outcomes_at_least_as_unequal(first: int, second: int) -> None:
    total = first + second
    outcomes = [sum(one) for one in product((0, 1), repeat=total)]
    unequal = [one for one in outcomes if abs(2 * one - total) >= abs(first - second)]
    assert mcnemar(first, second) == pytest.approx(len(unequal) / len(outcomes))


def test_mcnemar_of_many_rows_is_finite() -> None:
    assert mcnemar(40_000, 41_000) == pytest.approx(0.000448, abs=1e-6)


def test_rows_shared_by_languages_widen_the_interval_of_the_mean() -> None:
    random = np.random.default_rng(0)
    one = random.choice([-1, 0, 0, 0, 1, 1], 400).astype(np.int8)
    settings = {"confidence": 0.95, "seed": 0}
    alone = bootstrap_mean_accuracy([one], same_rows=True, **settings)
    shared = bootstrap_mean_accuracy([one] * 4, same_rows=True, **settings)
    apart = bootstrap_mean_accuracy([one] * 4, same_rows=False, **settings)
    assert shared == alone.model_copy(update={"rows": 1600})
    assert apart.value == shared.value == pytest.approx(one.mean())
    # Four independent languages halve the standard error.
    assert (shared.high - shared.low) / (apart.high - apart.low) == pytest.approx(2, rel=0.1)
    half = 1.96 * one.std() / 20
    assert shared.high - shared.value == pytest.approx(half, rel=0.1)


def test_macro_f1_counts_the_labels_that_occur() -> None:
    labels = np.array([0, 0, 0, 2, 2, 2] * 50)
    first, second = np.zeros_like(labels), labels
    found = bootstrap_macro_f1(labels, first, second, confidence=0.95, seed=0)
    # All 0: F1 of label 0 is 2 * 3 / (3 + 6), of label 2 it is 0.
    assert found.value == pytest.approx(1 - 1 / 3)
    assert found.low < found.value < found.high
    again = bootstrap_macro_f1(labels, first, second, confidence=0.95, seed=0)
    assert again == found
