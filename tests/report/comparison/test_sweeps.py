"""Sweeps of two runs: Welch's and paired intervals, and the cells that both have."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.classification.results.sweeps import (
    DIFFERENT,
    SAME,
    sweep_results,
    sweep_rows,
    translated_rows,
)
from xlm.classification.results.accuracies import Accuracy
from xlm.classification.results.records import write_results
from xlm.cli.runs.comparing_sweeps import print_sweeps
from xlm.report.comparison.members import Member
from xlm.report.comparison.sweeps import compare_sweeps, difference_over_seeds


def member(
    root: Path, label: str, rows: Sequence[Accuracy], *, training: tuple[str, ...] = ("en",)
) -> Member:
    directory = root / label
    directory.mkdir()
    results = sweep_results(rows).model_copy(update={"training_languages": training})
    write_results(directory, results)
    return Member(label, label, {}, {"evaluate": directory})


def test_the_interval_is_welchs_for_other_seeds() -> None:
    first = {0: 0.70, 1: 0.72, 2: 0.74}
    second = {3: 0.75, 4: 0.76, 5: 0.80, 6: 0.77}
    found = difference_over_seeds(first, second, 0.95)
    assert found.method == "Welch"
    assert found.value == pytest.approx(0.05)
    assert found.low is not None
    assert found.high is not None
    standard_error = (0.0004 / 3 + 0.000466666667 / 4) ** 0.5
    degrees = (0.0004 / 3 + 0.000466666667 / 4) ** 2 / (
        (0.0004 / 3) ** 2 / 2 + (0.000466666667 / 4) ** 2 / 3
    )
    assert degrees == pytest.approx(4.655, abs=1e-3)
    # Between the quantiles of 4 and 5 degrees of freedom.
    assert 2.5706 < (found.high - found.value) / standard_error < 2.7764
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_the_same_seeds_are_paired() -> None:
    first = {0: 0.60, 1: 0.70, 2: 0.80}
    second = {2: 0.82, 1: 0.71, 0: 0.63}
    found = difference_over_seeds(first, second, 0.95)
    assert found.method == "paired"
    assert found.low == pytest.approx(0.02 - 4.302653 * 0.01 / 3**0.5, abs=1e-7)
    # Seeds differ far more than the runs: Welch would say nothing.
    apart = difference_over_seeds(first, {7: 0.82, 8: 0.71, 9: 0.63}, 0.95)
    assert apart.low is not None
    assert apart.low < 0 < (found.low or 0) + 0.01


def test_equal_values_and_one_seed() -> None:
    same = difference_over_seeds({0: 0.7, 1: 0.7}, {2: 0.8, 3: 0.8}, 0.95)
    assert (same.low, same.high) == (pytest.approx(0.1), pytest.approx(0.1))
    alone = difference_over_seeds({0: 0.7, 1: 0.8}, {0: 0.8}, 0.95)
    assert (alone.value, alone.low, alone.method) == (pytest.approx(0.05), None, None)


def test_runs_are_compared_by_setting_rule_and_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = member(tmp_path, "base", sweep_rows([0, 1, 2]))
    better = member(tmp_path, "better", sweep_rows([0, 1, 2], DIFFERENT, offset=4))
    rows, _ = compare_sweeps([base, better])
    assert list(dict.fromkeys(row.rules for row in rows)) == [
        ("training",),
        ("mean",),
        ("language",),
    ]
    by_name = {(row.rules[0], row.language): row for row in rows}
    assert {language for _, language in by_name} == {"en", "fr", "sw", "mean"}
    row = by_name["mean", "mean"]
    assert row.values == pytest.approx((0.72, 0.79))
    assert row.differences[0] is None
    assert row.differences[1] is not None
    assert row.differences[1].low == pytest.approx(0.07)
    print_sweeps(["base", "better"], rows)
    printed = capsys.readouterr().out
    assert printed.count("Test accuracy over seeds, zero-shot, best ") == 3
    assert "zero-shot, best English dev, per cent" in printed
    assert "language  base (3 seeds)  better (3 seeds)  difference" in printed
    (line, *_) = [one for one in printed.splitlines() if one.startswith("mean")]
    assert line.split() == ["mean", "72.0", "76.0", "+4.0", "+4.0", "to", "+4.0", "paired"]


def test_rules_that_agree_in_all_runs_are_one(tmp_path: Path) -> None:
    first = member(tmp_path, "first", sweep_rows([0, 1], SAME))
    second = member(tmp_path, "second", sweep_rows([2, 3, 4], SAME))
    rows, _ = compare_sweeps([first, second])
    assert {row.rules for row in rows} == {("training", "mean", "language")}
    assert {one.method for row in rows for one in row.differences if one} == {"Welch"}


def test_shared_models_are_named(tmp_path: Path) -> None:
    base = member(tmp_path, "base", sweep_rows([0, 1]))
    more = member(tmp_path, "more", sweep_rows([0, 1, 2]))
    other = [row.model_copy(update={"checkpoint": f"other-{row.cell}"}) for row in sweep_rows([0])]
    rows, remarks = compare_sweeps([base, more, member(tmp_path, "other", other)])
    assert remarks == [
        "base and more share 4 fine-tuned models, of 4 and 6: en.lr5e-06.b8.s0, "
        "en.lr5e-06.b8.s1, en.lr1.25e-05.b8.s0, en.lr1.25e-05.b8.s1.",
        "base and other share 0 fine-tuned models, of 4 and 2.",
    ]
    assert [one and one.method for one in rows[0].differences] == [None, "Welch", None]


def test_other_settings_are_compared_with_one_seed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = [row for row in sweep_rows([0], SAME) if row.learning_rate == 5e-6]
    runs = [
        member(tmp_path, "one", one),
        member(tmp_path, "both", [*one, *translated_rows([0])]),
        member(tmp_path, "again", translated_rows([0])),
    ]
    rows, _ = compare_sweeps(runs)
    (translated,) = [
        row for row in rows if (row.setting, row.language) == ("translate-train", "mean")
    ]
    assert translated.values == pytest.approx((None, 0.83, 0.83))
    print_sweeps(["one", "both", "again"], rows)
    printed = capsys.readouterr().out
    assert "Test accuracy, translate-train, best own dev, per cent\n" in printed
    assert "interval" not in printed


def test_several_training_languages_are_not_called_zero_shot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        member(tmp_path, "two", sweep_rows([0, 1]), training=("en", "sw")),
        member(tmp_path, "same", sweep_rows([2, 3]), training=("en", "sw")),
    ]
    print_sweeps(["two", "same"], compare_sweeps(runs)[0])
    printed = capsys.readouterr().out
    assert "Test accuracy over seeds, trained on en, sw, best training/mean dev" in printed
    runs.append(member(tmp_path, "English", sweep_rows([0, 1])))
    print_sweeps(["two", "same", "English"], compare_sweeps(runs)[0])
    assert "zero-shot, best training/mean dev" in capsys.readouterr().out


def test_one_model_each_is_compared_as_always(tmp_path: Path) -> None:
    one = [row for row in sweep_rows([0], SAME) if row.learning_rate == 5e-6]
    runs = [member(tmp_path, "one", one), member(tmp_path, "none", [])]
    assert compare_sweeps(runs) == ([], [])
