"""Sweeps of runs side by side: differences of means over seeds, with their intervals.

    compared, remarks = compare_sweeps(members)
    for row in compared: print(row.setting, row.rules, row.language, row.differences)

Runs that tested one model each have no such rows: their predictions are compared row by row.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev, variance
from typing import Literal

from xlm.classification.results.accuracies import Accuracy, Rule
from xlm.classification.results.records import Results, read_results
from xlm.classification.results.seeds import MEAN, RULES, BySeed, mean_by_seed, summaries
from xlm.classification.results.student import t_quantile
from xlm.classification.results.sweep_tables import sweep_groups
from xlm.config.training.sweep import SETTINGS, Setting
from xlm.engine.config import Config
from xlm.report.comparison.members import Member
from xlm.report.comparison.results import CONFIDENCE

_MOST_NAMED = 8
"""Of more cells, the remark says how many there are."""

_Measured = dict[tuple[Setting, Rule, str], dict[int, float]]
"""Test accuracy by seed, by setting, rule and language."""


class SeedDifference(Config):
    """A difference of two means over seeds, second minus first."""

    value: float
    low: float | None
    """Bounds of the interval; None if a run has one seed."""
    high: float | None
    method: Literal["paired", "Welch"] | None


class ComparedSweep(Config):
    """Test accuracy over seeds of one language, or the mean, in all runs."""

    setting: Setting
    rules: tuple[Rule, ...]
    """The rules of selection with these same accuracies."""
    language: str
    """Code of the language; `mean` for the mean over the languages that all runs have."""
    by_seed: tuple[dict[int, float], ...]
    """By run; empty without the setting."""
    values: tuple[float | None, ...]
    """Means over seeds, by run."""
    differences: tuple[SeedDifference | None, ...]
    """From the first run, by run; None for the first run."""
    training: tuple[str, ...] = ()
    """The languages of the training rows of zero-shot; empty if the runs differ in them."""


def compare_sweeps(members: Sequence[Member]) -> tuple[list[ComparedSweep], list[str]]:
    """Return the accuracies over seeds, and which cells are the same in other runs.

    Both are empty if each run has one cell, in one setting.

    Raises:
        DataError: a result file is damaged.
    """
    evaluated = [member.directory("evaluate") for member in members]
    results = [read_results(path) if path else None for path in evaluated]
    labels = [member.label for member in members]
    cells = [_cells(one) for one in results]
    remarks = list(_shared(labels, cells)) if any(len(one) > 1 for one in cells) else []
    if not any(sweep_groups(one) for one in results if one):
        return [], remarks
    training = {one.training_languages for one in results if one}
    shared = training.pop() if len(training) == 1 else ()
    rows = _rows([_measured(one) for one in results])
    return [row.model_copy(update={"training": shared}) for row in rows], remarks


def difference_over_seeds(first: BySeed, second: BySeed, confidence: float) -> SeedDifference:
    """The difference of the means over seeds.

    If both have the same seeds, the interval is that of the differences by seed (paired t);
    otherwise it is Welch's, which does not assume equal variances.
    """
    value = fmean(second.values()) - fmean(first.values())
    if len(first) < 2 or len(second) < 2:
        return SeedDifference(value=value, low=None, high=None, method=None)
    method: Literal["paired", "Welch"]
    if set(first) == set(second):
        method, degrees = "paired", float(len(first) - 1)
        error = stdev(second[seed] - first[seed] for seed in first) / len(first) ** 0.5
    else:
        method = "Welch"
        shares = [variance(one.values()) / len(one) for one in (first, second)]
        error = sum(shares) ** 0.5
        spread = sum(
            share**2 / (len(one) - 1) for share, one in zip(shares, (first, second), strict=True)
        )
        degrees = sum(shares) ** 2 / spread if spread else 1.0
    half = t_quantile((1 + confidence) / 2, degrees) * error
    return SeedDifference(value=value, low=value - half, high=value + half, method=method)


def _measured(results: Results | None) -> _Measured:
    found = summaries(results.accuracies, CONFIDENCE, merge=False) if results else []
    return {
        (one.setting, one.rules[0], one.language): one.by_seed
        for one in found
        if one.language != MEAN
    }


def _rows(measured: Sequence[_Measured]) -> Iterator[ComparedSweep]:
    for setting in SETTINGS:
        merged: dict[str, tuple[list[Rule], list[ComparedSweep]]] = {}
        for rule in RULES:
            rows = list(_of_rule(measured, setting, rule))
            if rows:
                same = repr([(row.language, row.by_seed) for row in rows])
                merged.setdefault(same, ([], rows))[0].append(rule)
        for rules, rows in merged.values():
            for row in rows:
                yield row.model_copy(update={"rules": tuple(rules)})


def _of_rule(
    measured: Sequence[_Measured], setting: Setting, rule: Rule
) -> Iterator[ComparedSweep]:
    by_run = [
        {
            code: by_seed
            for (one, other, code), by_seed in found.items()
            if (one, other) == (setting, rule)
        }
        for found in measured
    ]
    codes = list(dict.fromkeys(code for found in by_run for code in found))
    for code in codes:
        yield _row(setting, rule, code, [found.get(code, {}) for found in by_run])
    shared = [code for code in codes if all(code in found for found in by_run if found)]
    if len(shared) > 1:
        means = [mean_by_seed(found[code] for code in shared) if found else {} for found in by_run]
        yield _row(setting, rule, MEAN, means)


def _row(
    setting: Setting, rule: Rule, language: str, by_seed: Sequence[dict[int, float]]
) -> ComparedSweep:
    first, *others = by_seed
    return ComparedSweep(
        setting=setting,
        rules=(rule,),
        language=language,
        by_seed=tuple(by_seed),
        values=tuple(fmean(one.values()) if one else None for one in by_seed),
        differences=(
            None,
            *(
                difference_over_seeds(first, one, CONFIDENCE) if first and one else None
                for one in others
            ),
        ),
    )


def _cells(results: Results | None) -> dict[str, str]:
    """The digest of each cell's model."""
    rows: Sequence[Accuracy] = results.accuracies if results else ()
    return {row.cell: row.checkpoint for row in rows}


def _shared(labels: Sequence[str], cells: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Which cells of the first run are the same artifacts in each other run."""
    first = cells[0]
    for label, other in zip(labels[1:], cells[1:], strict=True):
        if not first or not other:
            continue
        same = [cell for cell, digest in first.items() if other.get(cell) == digest]
        named = ", ".join(same[:_MOST_NAMED])
        more = f", and {len(same) - _MOST_NAMED} more" if len(same) > _MOST_NAMED else ""
        yield (
            f"{labels[0]} and {label} share {len(same)} fine-tuned models, of {len(first)} and "
            f"{len(other)}{f': {named}{more}' if same else ''}."
        )
