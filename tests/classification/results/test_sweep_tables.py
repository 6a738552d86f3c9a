"""Tables of a sweep next to the paper's rows."""

from collections.abc import Iterable

import pytest

from tests.classification.results.sweeps import (
    CODES,
    OWN,
    SAME,
    accuracy,
    sweep_results,
    sweep_rows,
    translated_rows,
)
from tests.release.artifacts import results
from xlm.classification.results.accuracies import Accuracy
from xlm.classification.results.sweep_tables import cells_table, sweep_tables
from xlm.classification.results.tables import confusion_tables, tables

ONE_CELL = [
    row for row in sweep_rows([0], SAME) if row.learning_rate == 5e-6 or row.split == "test"
]


@pytest.mark.parametrize("rows", [[], ONE_CELL])
def test_one_model_has_the_tables_that_it_always_had(rows: list[Accuracy]) -> None:
    """All rules select it."""
    found = sweep_results(rows)
    assert sweep_tables(found) == []
    assert tables(found) == tables(results(CODES))


def test_settings_and_rules_stand_next_to_the_rows_of_the_paper() -> None:
    found = tables(sweep_results([*sweep_rows(), *translated_rows()]))
    assert [one.title for one in found[1:5]] == [
        "XNLI, test accuracy by setting in per cent",
        "XNLI, zero-shot: test accuracy in per cent, mean of 3 seeds",
        "XNLI, translate-train: test accuracy in per cent, mean of 3 seeds",
        "XNLI, sweep: mean dev accuracy in per cent",
    ]
    settings, zero_shot, translated, _ = found[1:5]
    assert settings.rows[:3] == (
        ("zero-shot, English/mean dev", "72.0", "67.0 to 77.0", "3"),
        ("zero-shot, own dev", "74.0", "69.0 to 79.0", "3"),
        ("translate-train", "84.0", "81.5 to 86.5", "3"),
    )
    # (85.0 + 78.7 + 68.4) / 3; mBERT has no French.
    assert settings.rows[-1] == ("paper: zero-shot, XLM MLM+TLM", "77.4", "", "")
    assert not any("mBERT" in row[0] for row in settings.rows)
    assert zero_shot.header == (
        "language", "English/mean dev", "95 % interval", "own dev", "95 % interval",
        "paper, MLM", "paper, MLM+TLM",
    )  # fmt: skip
    assert zero_shot.rows[2] == (
        "Swahili (sw)", "62.0", "57.0 to 67.0", "65.0", "60.0 to 70.0", "64.6", "68.4",
    )  # fmt: skip
    assert zero_shot.rows[3][0] == "mean of 3"
    assert zero_shot.rows[3][-1] == "77.4"
    assert translated.header == ("language", "own dev", "95 % interval", "paper, MLM+TLM")


def test_the_cells_are_counted_over_seeds() -> None:
    table = cells_table(sweep_results([*sweep_rows(), *translated_rows()]))
    assert table is not None
    assert table.header == (
        "setting", "learning rate", "batch", "seeds", "dev", "95 % interval", "retried",
        "best English dev", "best mean dev", "best own dev",
    )  # fmt: skip
    assert table.rows[:2] == (
        ("zero-shot", "5e-06", "8", "3", "70.0", "70.0 to 70.0", "–", "3 of 3", "3 of 3", "3 of 9"),
        ("zero-shot", "1.25e-05", "8", "3", "71.0", "71.0 to 71.0", "1 of 3", "0 of 3", "0 of 3",
         "6 of 9"),
    )  # fmt: skip
    # The English model of zero-shot is one of the three: (80 + 83 + 82) / 3.
    assert table.rows[2][:5] == ("translate-train", "5e-06", "8", "3", "81.7")


def test_a_cell_that_collapsed_is_reported_even_if_it_is_the_only_one() -> None:
    rows = [accuracy(code, 0, 33, collapsed=True) for code in CODES]
    table = cells_table(sweep_results(rows))
    assert table is not None
    assert table.header[-1] == "collapsed"
    assert table.rows[0][-1] == "1 of 1"
    assert cells_table(sweep_results(ONE_CELL)) is None


def test_one_seed_has_no_interval_over_seeds() -> None:
    settings, zero_shot, cells = sweep_tables(sweep_results(sweep_rows([0], OWN)))
    assert settings.header == ("setting, selected by", "mean of 3 languages", "seeds")
    assert "95 % interval" not in zero_shot.header
    assert "mean of" not in zero_shot.title
    assert [row[3] for row in cells.rows] == ["1", "1"]


def test_labels_and_predictions_have_a_table_for_each_language() -> None:
    found = results(CODES)
    assert confusion_tables(found) == []
    assert found.languages[0].test is not None
    counts = found.languages[0].test.model_copy(
        update={"confusion": ((1000, 2, 3), (4, 5, 6), (7, 8, 9))}
    )
    english = found.languages[0].model_copy(update={"test": counts})
    (table,) = confusion_tables(found.model_copy(update={"languages": (english,)}))
    assert table.title == "English (en): labels and predictions in test"
    assert table.rows[0][1:] == ("1,000", "2", "3")


def _without_own_dev(rows: Iterable[Accuracy], code: str) -> list[Accuracy]:
    """As if a language had no dev rows: nothing selects by them."""
    return [row for row in rows if row.language != code or row.rule in ("training", "mean")]


def test_means_of_rules_are_over_the_same_languages() -> None:
    """Regression: the mean of own dev left out a language, under the heading of the others."""
    rows = _without_own_dev(sweep_rows(), "en")
    settings, zero_shot, _ = sweep_tables(sweep_results(rows))
    assert settings.header[1] == "mean of 2 languages"
    assert [row[1] for row in settings.rows[:2]] == ["67.0", "70.0"]
    assert [row[:4:2] for row in zero_shot.rows] == [
        ("English (en)", "77.0 to 87.0"),
        ("French (fr)", "67.0 to 77.0"),
        ("Swahili (sw)", "57.0 to 67.0"),
        ("mean of 2", "62.0 to 72.0"),
    ]
    assert zero_shot.rows[0][3] == "–"


def test_one_model_is_no_sweep_if_a_language_has_no_dev_rows() -> None:
    """Regression: its rules had different languages, so they looked like different models."""
    assert sweep_tables(sweep_results(_without_own_dev(ONE_CELL, "sw"))) == []
