"""Means and intervals over seeds."""

from statistics import stdev

import pytest

from tests.classification.results.sweeps import OWN, SAME, accuracy, sweep_rows, translated_rows
from xlm.classification.results.seeds import MEAN, student_interval, summaries


def test_the_interval_is_students() -> None:
    low, high = student_interval([0.70, 0.72, 0.74], 0.95) or (0, 0)
    half = 4.302653 * 0.02 / 3**0.5
    assert (low, high) == pytest.approx((0.72 - half, 0.72 + half), abs=1e-7)
    assert student_interval([0.7], 0.95) is None
    assert student_interval([0.0, 1.0], 0.95) == (0, 1)
    assert student_interval([0.7, 0.7], 0.95) == (0.7, 0.7)


def test_each_setting_and_rule_has_its_languages_and_their_mean() -> None:
    found = summaries([*sweep_rows(), *translated_rows()], 0.95)
    assert [(row.setting, row.rules, row.language) for row in found] == [
        (setting, rules, code)
        for setting, rules in (
            ("zero-shot", ("training", "mean")),
            ("zero-shot", ("language",)),
            ("translate-train", ("language",)),
        )
        for code in ("en", "fr", "sw", MEAN)
    ]
    english, *_, mean = found[:4]
    assert english.by_seed == {0: 0.80, 1: 0.82, 2: 0.84}
    assert english.mean == pytest.approx(0.82)
    assert (english.n, english.seeds) == (100, (0, 1, 2))
    assert mean.by_seed == pytest.approx({0: 0.70, 1: 0.72, 2: 0.74})
    assert mean.n == 300


def test_the_interval_of_the_mean_is_of_the_means_of_the_seeds() -> None:
    """Languages whose errors cancel out: the mean of a seed varies less than each language."""
    rows = [
        accuracy(code, seed, correct, rule="mean")
        for seed, (first, second) in enumerate([(70, 80), (80, 71), (75, 75)])
        for code, correct in (("en", first), ("sw", second))
    ]
    english, _, mean = summaries(rows, 0.95)
    assert mean.by_seed == pytest.approx({0: 0.75, 1: 0.755, 2: 0.75})
    assert mean.low is not None
    assert english.low is not None
    half = 4.302653 * stdev([0.75, 0.755, 0.75]) / 3**0.5
    assert mean.mean - mean.low == pytest.approx(half, abs=1e-6)
    assert mean.mean - mean.low < (english.mean - english.low) / 5


def test_one_seed_has_no_interval() -> None:
    found = summaries(sweep_rows([4], SAME), 0.95)
    assert [row.rules for row in found] == [("training", "mean", "language")] * 4
    assert {(row.low, row.high, row.seeds) for row in found} == {(None, None, (4,))}


def test_rules_can_be_kept_apart() -> None:
    found = summaries(sweep_rows(wins=OWN), 0.95, merge=False)
    assert list(dict.fromkeys(row.rules for row in found)) == [
        ("training",), ("mean",), ("language",),
    ]  # fmt: skip


def test_a_mean_needs_several_languages_of_the_same_seeds() -> None:
    alone = [accuracy("en", seed, 70, rule="mean") for seed in (0, 1)]
    assert [row.language for row in summaries(alone, 0.95)] == ["en"]
    apart = [accuracy("en", 0, 70, rule="mean"), accuracy("sw", 1, 70, rule="mean")]
    assert [row.language for row in summaries(apart, 0.95)] == ["en", "sw"]
    assert summaries([accuracy("en", 0, 70)], 0.95) == []
