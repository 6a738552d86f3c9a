"""Selection among the cells of a sweep, by dev scores alone."""

import pytest

from xlm.classification.selection.choose import choose
from xlm.classification.selection.dev_scores import DevScore
from xlm.classification.selection.records import ScoredCell, Selection
from xlm.errors import TrainingError

ZERO_SHOT = {"zero-shot": {"en": ("en", "sw")}}


def cell(
    rate: float, seed: int, *, collapsed: bool = False, name: str = "en", **dev: int
) -> ScoredCell:
    """A cell whose dev scores are given per cent."""
    return ScoredCell(
        unit=f"{name}.lr{rate:g}.b8.s{seed}", name=name,
        train=tuple(dev) if name == "all" else (name,),
        learning_rate=rate, batch_pairs=8, seed=seed, checkpoint="ab" * 32, collapsed=collapsed,
        dev={code: DevScore(100, correct) for code, correct in dev.items()},
    )  # fmt: skip


GRID = [
    cell(1, 0, en=80, sw=50),
    cell(2, 0, en=78, sw=60),
    cell(1, 1, en=70, sw=71),
    cell(2, 1, en=79, sw=40),
]


def chosen(selection: Selection, setting: str, rule: str) -> dict[tuple[int, str], str]:
    return {
        (choice.seed, choice.language): choice.cell.partition(".")[2]
        for choice in selection.choices
        if (choice.setting, choice.rule) == (setting, rule)
    }


def test_each_rule_selects_among_the_cells_of_each_seed() -> None:
    found = choose(GRID, ZERO_SHOT, select_by="training", refuse_collapsed=True)
    one, two = "lr1.b8.s0", "lr2.b8.s0"
    first, second = "lr1.b8.s1", "lr2.b8.s1"
    assert chosen(found, "zero-shot", "training") == {
        (0, "en"): one, (0, "sw"): one, (1, "en"): second, (1, "sw"): second,
    }  # fmt: skip
    assert chosen(found, "zero-shot", "mean") == {
        (0, "en"): two, (0, "sw"): two, (1, "en"): first, (1, "sw"): first,
    }  # fmt: skip
    assert chosen(found, "zero-shot", "language") == {
        (0, "en"): one, (0, "sw"): two, (1, "en"): second, (1, "sw"): first,
    }  # fmt: skip


def test_the_best_cell_of_all_seeds_is_published() -> None:
    by_training = choose(GRID, ZERO_SHOT, select_by="training", refuse_collapsed=True)
    by_mean = choose(GRID, ZERO_SHOT, select_by="mean", refuse_collapsed=True)
    assert by_training.published == "en.lr1.b8.s0"
    assert by_mean.published == "en.lr1.b8.s1"
    assert by_training.choices == by_mean.choices


def test_of_equal_cells_the_lowest_learning_rate_is_selected() -> None:
    cells = [cell(2, 0, en=70, sw=50), cell(1, 0, en=70, sw=50)]
    found = choose(cells, ZERO_SHOT, select_by="training", refuse_collapsed=True)
    assert {choice.cell for choice in found.choices} == {"en.lr1.b8.s0"}


def test_a_collapsed_cell_is_selected_only_among_collapsed_ones() -> None:
    lost = cell(1, 0, collapsed=True, en=99, sw=99)
    alone = cell(1, 1, collapsed=True, en=33, sw=33)
    cells = [lost, cell(2, 0, en=50, sw=40), alone]
    found = choose(cells, ZERO_SHOT, select_by="training", refuse_collapsed=True)
    assert found.published == "en.lr2.b8.s0"
    assert {c.cell for c in found.choices if c.seed == 0} == {"en.lr2.b8.s0"}
    assert {c.cell for c in found.choices if c.seed == 1} == {alone.unit}


def test_nothing_is_published_if_all_cells_collapsed() -> None:
    lost = [cell(1, seed, collapsed=True, en=33, sw=33) for seed in (0, 1)]
    with pytest.raises(TrainingError, match="all fine-tuned models collapsed"):
        choose(lost, ZERO_SHOT, select_by="training", refuse_collapsed=True)
    reported = choose(lost, ZERO_SHOT, select_by="training", refuse_collapsed=False)
    assert reported.cell(reported.published).collapsed


def test_translate_train_selects_each_language_on_its_own_dev_set() -> None:
    own = [cell(1, 0, name="sw", sw=60), cell(2, 0, name="sw", sw=65)]
    together = [cell(1, 0, name="all", en=70, sw=80), cell(2, 0, name="all", en=90, sw=50)]
    tested = {
        **ZERO_SHOT,
        "translate-train": {"en": ("en",), "sw": ("sw",)},
        "translate-train-all": {"all": ("en", "sw")},
        "translate-test": {"en": ("en", "sw")},
    }
    found = choose([*GRID, *own, *together], tested, select_by="training", refuse_collapsed=True)
    cells_of = {(c.setting, c.rule, c.seed, c.language): c.cell for c in found.choices}
    assert cells_of["translate-train", "language", 0, "sw"] == "sw.lr2.b8.s0"
    assert cells_of["translate-train", "language", 1, "en"] == "en.lr2.b8.s1"
    assert cells_of["translate-train-all", "mean", 0, "sw"] == "all.lr1.b8.s0"
    assert cells_of["translate-train-all", "language", 0, "en"] == "all.lr2.b8.s0"
    zero_shot, translated = (
        {rule: chosen(found, setting, rule) for rule in ("training", "mean")}
        for setting in ("zero-shot", "translate-test")
    )
    assert zero_shot == translated, "translate-test tests the models of zero-shot"


def test_languages_without_dev_rows_are_selected_by_the_others() -> None:
    tested = {"zero-shot": {"en": ("en", "sw", "yo")}}
    found = choose(GRID, tested, select_by="mean", refuse_collapsed=True)
    assert (0, "yo") in chosen(found, "zero-shot", "mean")
    assert (0, "yo") not in chosen(found, "zero-shot", "language")
