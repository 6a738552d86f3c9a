"""The results of runs side by side, with intervals of the differences from the first run.

comparison = compare(members, confidence=0.95)
for row in comparison.rows: print(row.name, row.values, row.differences)
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from xlm.classification.results.records import LanguageResults, Results, read_results
from xlm.engine.config import Config
from xlm.report.comparison.members import Member
from xlm.report.comparison.paired import (
    Difference,
    bootstrap_macro_f1,
    bootstrap_mean_accuracy,
    paired_accuracy,
)
from xlm.report.comparison.predictions import Predictions, read_predictions

CONFIDENCE = 0.95
_SEED = 0
_MEASURES: Mapping[str, Callable[[LanguageResults], float | None]] = {
    "test accuracy": lambda row: row.test.accuracy if row.test else None,
    "dev accuracy": lambda row: row.dev.accuracy if row.dev else None,
    "test macro-F1": lambda row: row.test.macro_f1 if row.test else None,
    "perplexity": lambda row: row.perplexity,
    "P@1": lambda row: row.retrieval.centred if row.retrieval else None,
}
"""The compared results of a language, by name."""

Stored = dict[tuple[str, str], Predictions]


class ComparedResult(Config):
    """One result of one language, or the mean, in all runs."""

    measure: str
    language: str
    """Code of the language; `mean` for the mean over the languages that all runs have."""
    values: tuple[float | None, ...]
    """By run; accuracies are between 0 and 1."""
    differences: tuple[Difference | None, ...]
    """From the first run, by run; None for the first run and without stored predictions."""


def compare_results(members: Sequence[Member]) -> tuple[list[ComparedResult], list[str]]:
    """Return the results that any run has, and remarks about comparisons that are not possible.

    Raises:
        DataError: a result file is damaged.
    """
    evaluated = [member.directory("evaluate") for member in members]
    results = [read_results(path) if path else None for path in evaluated]
    stored = [read_predictions(path) if path else {} for path in evaluated]
    rows: list[ComparedResult] = []
    for measure, value_of in _MEASURES.items():
        rows += _rows(measure, value_of, results, stored)
    return rows, list(_remarks(members, results, stored))


def _rows(
    measure: str,
    value_of: Callable[[LanguageResults], float | None],
    results: Sequence[Results | None],
    stored: Sequence[Stored],
) -> list[ComparedResult]:
    by_run = [{row.code: value_of(row) for row in one.languages} if one else {} for one in results]
    codes = dict.fromkeys(
        code for values in by_run for code, value in values.items() if value is not None
    )
    rows = [
        ComparedResult(
            measure=measure,
            language=code,
            values=tuple(values.get(code) for values in by_run),
            differences=tuple(_difference(measure, code, stored[0], one) for one in stored),
        )
        for code in codes
    ]
    known = [values for values in by_run if any(value is not None for value in values.values())]
    shared = [code for code in codes if all(values.get(code) is not None for values in known)]
    if len(shared) > 1:
        means = tuple(
            fmean(value for code in shared if (value := values.get(code)) is not None)
            if values in known
            else None
            for values in by_run
        )
        differences = tuple(_mean_difference(measure, shared, stored[0], one) for one in stored)
        rows.append(
            ComparedResult(measure=measure, language="mean", values=means, differences=differences)
        )
    return rows


def _split(measure: str) -> str | None:
    """The split of a measure of labels, `test accuracy`; None for the other measures."""
    split, _, kind = measure.partition(" ")
    return split if kind else None


def _pair(
    measure: str, code: str, first: Stored, second: Stored
) -> tuple[Predictions, Predictions] | None:
    split = _split(measure)
    one, other = (stored.get((code, split or "")) for stored in (first, second))
    if first is second or one is None or other is None or not one.same_rows(other):
        return None
    return one, other


def _difference(measure: str, code: str, first: Stored, second: Stored) -> Difference | None:
    pair = _pair(measure, code, first, second)
    if pair is None:
        return None
    one, other = pair
    if measure.endswith("accuracy"):
        return paired_accuracy(one.right(), other.right(), confidence=CONFIDENCE)
    names = np.unique(np.concatenate([one.labels_N, one.predicted_N, other.predicted_N]))
    ids = [
        np.searchsorted(names, values)
        for values in (one.labels_N, one.predicted_N, other.predicted_N)
    ]
    return bootstrap_macro_f1(*ids, confidence=CONFIDENCE, seed=_SEED)


def _mean_difference(
    measure: str, codes: Sequence[str], first: Stored, second: Stored
) -> Difference | None:
    pairs = [_pair(measure, code, first, second) for code in codes]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < len(pairs) or not measure.endswith("accuracy"):
        return None
    differences = [
        other.right().astype(np.int8) - one.right().astype(np.int8) for one, other in found
    ]
    same_rows = all(one.same_rows(found[0][0]) for one, _ in found)
    return bootstrap_mean_accuracy(
        differences, same_rows=same_rows, confidence=CONFIDENCE, seed=_SEED
    )


def _remarks(
    members: Sequence[Member], results: Sequence[Results | None], stored: Sequence[Stored]
) -> list[str]:
    remarks = []
    for member, found, predictions in zip(members, results, stored, strict=True):
        if found is None:
            remarks.append(f"{member.label} was not evaluated, or its artifact was removed.")
        elif not predictions and any(row.test for row in found.languages):
            remarks.append(
                f"{member.label} has no stored predictions: it was evaluated by an earlier version."
            )
    for member, predictions in zip(members[1:], stored[1:], strict=True):
        other = [
            f"{code} {split}"
            for (code, split), rows in predictions.items()
            if (code, split) in stored[0] and not rows.same_rows(stored[0][code, split])
        ]
        if other:
            remarks.append(
                f"{members[0].label} and {member.label} were tested on different rows: "
                f"{', '.join(other)}."
            )
    hashes = {member.label: _vocabulary(member) for member in members}
    if len({value for value in hashes.values() if value}) > 1:
        remarks.append("The vocabularies differ, so perplexities cannot be compared.")
    return remarks


def _vocabulary(member: Member) -> Any:
    from xlm.store.manifest import read_manifest

    directory = member.directory("vocabulary")
    return read_manifest(directory).counts.get("hash") if directory else None
