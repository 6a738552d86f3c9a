"""Accuracies of a sweep over seeds: means with Student's intervals.

    for row in summaries(results.accuracies, results.confidence):
        print(row.setting, row.rules, row.language, row.mean, row.low, row.high)

Each seed is one repetition of the whole procedure, sweep and selection. The interval shows what
another seed could change. With one seed there is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev

from xlm.classification.results.accuracies import Accuracy, Rule
from xlm.classification.results.student import t_quantile
from xlm.config.training.sweep import SETTINGS, Setting
from xlm.engine.config import Config

MEAN = "mean"
"""In the place of a language: the mean over the languages."""
RULES: tuple[Rule, ...] = ("training", "mean", "language")
"""In the order of tables."""

BySeed = Mapping[int, float]
"""Test accuracies by seed."""


class Summary(Config):
    """Test accuracy in one setting and one language, by one rule of selection, over seeds."""

    setting: Setting
    rules: tuple[Rule, ...]
    """The rules that select the same cells everywhere, so that they have the same accuracies."""
    language: str
    """Code, or `mean`."""
    by_seed: dict[int, float]
    n: int
    """Number of test rows of each seed."""
    mean: float
    low: float | None = None
    """Bounds of the interval over seeds; None with one seed."""
    high: float | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds in ascending order."""
        return tuple(sorted(self.by_seed))


def summaries(rows: Iterable[Accuracy], confidence: float, *, merge: bool = True) -> list[Summary]:
    """Summarise the test rows: for each setting and rule its languages, then their mean.

    Args:
        rows: accuracies of a sweep; dev rows are left out.
        confidence: coverage of the intervals.
        merge: whether rules of a setting that select the same cells are one.
    """
    tested = [row for row in rows if row.split == "test" and row.rule is not None]
    return [
        summary
        for setting in SETTINGS
        for rules, members in _by_rules(
            [row for row in tested if row.setting == setting], merge=merge
        ).items()
        for summary in _of_languages(setting, rules, members, confidence)
    ]


def student_interval(values: Sequence[float], confidence: float) -> tuple[float, float] | None:
    """The interval of the mean accuracy, within 0 and 1; None for fewer than two values."""
    if len(values) < 2:
        return None
    t = t_quantile((1 + confidence) / 2, len(values) - 1)
    half = t * stdev(values) / len(values) ** 0.5
    return max(0.0, fmean(values) - half), min(1.0, fmean(values) + half)


def mean_by_seed(languages: Iterable[BySeed]) -> dict[int, float]:
    """The mean over languages of each seed that has all of them."""
    found = list(languages)
    seeds = set.intersection(*(set(one) for one in found)) if found else set()
    return {seed: fmean(one[seed] for one in found) for seed in sorted(seeds)}


def _by_rules(rows: Sequence[Accuracy], *, merge: bool) -> dict[tuple[Rule, ...], list[Accuracy]]:
    """The rows of each rule, or of several that select the same."""
    members = {rule: [row for row in rows if row.rule == rule] for rule in RULES}
    chosen = {
        rule: frozenset((row.language, row.seed, row.cell) for row in found)
        for rule, found in members.items()
        if found
    }
    merged: dict[tuple[Rule, ...], list[Accuracy]] = {}
    for rule, cells in chosen.items():
        same = tuple(other for other in chosen if merge and chosen[other] == cells) or (rule,)
        merged[same] = members[rule]
    return merged


def _of_languages(
    setting: Setting, rules: tuple[Rule, ...], rows: Sequence[Accuracy], confidence: float
) -> list[Summary]:
    by_language: dict[str, dict[int, Accuracy]] = {}
    for row in rows:
        by_language.setdefault(row.language, {})[row.seed] = row
    accuracies = {
        code: {seed: found[seed].accuracy for seed in sorted(found)}
        for code, found in by_language.items()
    }
    counts = {code: max(row.n for row in found.values()) for code, found in by_language.items()}
    if len(accuracies) > 1 and (means := mean_by_seed(accuracies.values())):
        accuracies[MEAN], counts[MEAN] = means, sum(counts.values())
    found = []
    for code, by_seed in accuracies.items():
        values = list(by_seed.values())
        low, high = student_interval(values, confidence) or (None, None)
        found.append(
            Summary(
                setting=setting, rules=rules, language=code, by_seed=by_seed, n=counts[code],
                mean=fmean(values), low=low, high=high,
            )
        )  # fmt: skip
    return found
