"""Selects models of a sweep by dev scores; test scores do not exist yet.

    selection = choose(cells, sets, select_by="training", refuse_collapsed=True)

A seed is one repetition of the whole procedure: for each seed, each rule selects among the cells of
that seed. The best cell of all seeds is published.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from xlm.classification.results.accuracies import Rule
from xlm.classification.selection.records import Choice, ScoredCell, Selection
from xlm.config.training.sweep import Setting
from xlm.errors import TrainingError

TestedSets = Mapping[Setting, Mapping[str, Sequence[str]]]
"""By setting: the names of training rows, each with the languages that its models are tested in."""

_RULES: Mapping[Setting, tuple[Rule, ...]] = {
    "zero-shot": ("training", "mean", "language"),
    # One training language, which is also the tested one.
    "translate-train": ("language",),
    # All languages are training languages.
    "translate-train-all": ("mean", "language"),
    # The models of zero-shot: there are no translated dev rows.
    "translate-test": ("training", "mean"),
}


def choose(
    cells: Sequence[ScoredCell], tested: TestedSets, *, select_by: Rule, refuse_collapsed: bool
) -> Selection:
    """Select a cell by each rule, for each setting, seed and language.

    Args:
        cells: all cells. Among equal ones, the lowest learning rate is selected, then the smallest
            batch, then the lowest seed.
        tested: what each setting trains on and tests.
        select_by: the rule that selects the published model, of zero-shot.
        refuse_collapsed: whether to publish no model that collapsed.

    Raises:
        TrainingError: all models that could be published collapsed.
    """
    cells = sorted(cells, key=_order)
    choices = [
        choice
        for setting, sets in tested.items()
        for name, languages in sets.items()
        for choice in _choices(setting, [c for c in cells if c.name == name], languages)
    ]
    (base,) = tested["zero-shot"]
    published = _best([cell for cell in cells if cell.name == base], _score(select_by, ""))
    if published.collapsed and refuse_collapsed:
        raise TrainingError(
            "all fine-tuned models collapsed: dev accuracy in the training languages never "
            "exceeded chance",
            fix="lower the rate (finetune.sweep.learning_rates, or without them "
            "finetune.optimizer.learning_rate), lengthen the warm-up, or publish a collapsed model "
            "with finetune.collapse=report",
        )
    return Selection(
        published=published.unit,
        selected_by=select_by,
        cells=tuple(cells),
        choices=tuple(choices),
    )


def _choices(
    setting: Setting, cells: Sequence[ScoredCell], languages: Sequence[str]
) -> list[Choice]:
    return [
        Choice(
            setting=setting,
            rule=rule,
            seed=seed,
            language=language,
            cell=_best(_of_seed(cells, seed), _score(rule, language)).unit,
        )
        for rule in _RULES[setting]
        for seed in sorted({cell.seed for cell in cells})
        for language in languages
        if rule != "language" or language in cells[0].dev
    ]


def _order(cell: ScoredCell) -> tuple[str, float, int, int]:
    return cell.name, cell.learning_rate, cell.batch_pairs, cell.seed


def _of_seed(cells: Sequence[ScoredCell], seed: int) -> list[ScoredCell]:
    return [cell for cell in cells if cell.seed == seed]


def _best(cells: Sequence[ScoredCell], score: Callable[[ScoredCell], float]) -> ScoredCell:
    """The cell with the best score; a collapsed one only if all collapsed."""
    alive = [cell for cell in cells if not cell.collapsed] or cells
    return max(alive, key=score)


def _score(rule: Rule, language: str) -> Callable[[ScoredCell], float]:
    """The dev accuracy that a rule compares."""

    def score(cell: ScoredCell) -> float:
        if rule == "language":
            codes = [language]
        elif rule == "training":
            codes = [code for code in cell.train if code in cell.dev]
        else:
            codes = list(cell.dev)
        return fmean(cell.dev[code].accuracy for code in codes)

    return score
