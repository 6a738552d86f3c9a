"""Results as tables of text, for the model card, the UI and the terminal."""

from collections.abc import Sequence

import numpy as np

from xlm.classification.results.records import LanguageResults, Results
from xlm.classification.results.sweep_tables import sweep_tables
from xlm.classification.results.table import Table, task_name, without_empty_columns
from xlm.config.languages.names import Names, name_with_code
from xlm.config.languages.pairs import ENGLISH
from xlm.display.markdown import ABSENT, format_decimal, format_integer, format_percent, mean

MAX_CONFUSION_LABELS = 8
"""Confusion matrices of more labels are too wide to read: `confusion_note` says where they are."""


def task_table(results: Results, names: Names | None = None) -> Table | None:
    """Accuracies by language, with baselines and the paper; None: no language was measured."""
    rows = [row for row in results.languages if row.test or row.dev]
    if not rows or not results.task:
        return None
    interval = f"{100 * results.confidence:g} % interval"
    header = (
        "language", "dev", "test", interval, "macro-F1", "majority", "bag of words",
        "paper, MLM+TLM",
    )  # fmt: skip
    training = results.training_languages
    others = [row for row in rows if row.code not in training]
    cells = [(name_with_code(row.code, names), *_task_cells(row)) for row in rows]
    if len(rows) > 1:
        cells.append((f"mean of {len(rows)}", *_task_means(rows)))
    if 1 < len(others) < len(rows):
        named = "English" if training == (ENGLISH,) else "training languages"
        cells.append((f"mean of {len(others)} without {named}", *_task_means(others)))
    return without_empty_columns(f"{task_name(results.task)}, accuracy in per cent", header, cells)


def confusion_table(results: Results) -> Table | None:
    """Labels and predictions in test, added up over all languages; None without them."""
    found = [np.array(row.test.confusion) for row in results.languages if row.test]
    counted = [confusion for confusion in found if confusion.size]
    if not counted or not results.task or len(results.labels) > MAX_CONFUSION_LABELS:
        return None
    total = np.sum(counted, axis=0)
    header, rows = _confusion(results.labels, total.tolist())
    return Table(f"{task_name(results.task)}, predictions in the test sets", header, rows)


def confusion_tables(results: Results, names: Names | None = None) -> list[Table]:
    """Labels and predictions of the published model in the test set of each language.

    Empty if there are too many labels.
    """
    if len(results.labels) > MAX_CONFUSION_LABELS:
        return []
    return [
        Table(
            f"{name_with_code(row.code, names)}: labels and predictions in test",
            *_confusion(results.labels, row.test.confusion),
        )
        for row in results.languages
        if row.test and row.test.confusion
    ]


def confusion_note(labels: Sequence[str], where: str) -> str:
    """A sentence that says where the confusion matrices are; empty if they are shown.

    Args:
        labels: the labels of the task.
        where: what has the whole matrices: `results.json of stage evaluate`.
    """
    if len(labels) <= MAX_CONFUSION_LABELS:
        return ""
    return f"The confusion matrices of {len(labels)} labels are too wide to show: {where} has them."


def modelling_table(results: Results, names: Names | None = None) -> Table | None:
    """Perplexity and sentence retrieval by language; None: neither was measured."""
    rows = [
        row
        for row in results.languages
        if (row.perplexity is not None or row.retrieval) and not row.is_pair
    ]
    if not rows:
        return None
    header = (
        "language", "perplexity", "with English", "P@1 to English", "P@1 from English", "raw",
        "sentences",
    )  # fmt: skip
    cells = [(name_with_code(row.code, names), *_modelling_cells(row)) for row in rows]
    if len(rows) > 1:
        cells.append(("mean", *_modelling_means(rows)))
    measured = ["perplexity"] * any(row.perplexity is not None for row in rows)
    measured += ["sentence retrieval"] * any(row.retrieval is not None for row in rows)
    return without_empty_columns(f"Pretrained encoder: {' and '.join(measured)}", header, cells)


def pairs_table(results: Results) -> Table | None:
    """Perplexity and sentence retrieval of pairs without English; None: there are none."""
    rows = [row for row in results.languages if row.is_pair]
    if not rows:
        return None
    header = (
        "pair", "perplexity", "P@1 to the first", "P@1 from the first", "raw", "sentences",
    )  # fmt: skip
    # A pair has no monolingual perplexity.
    cells = [(row.code, *_modelling_cells(row)[1:]) for row in rows]
    return without_empty_columns("Pretrained encoder: pairs without English", header, cells)


def tables(results: Results, names: Names | None = None) -> list[Table]:
    """The tables that have rows.

    Args:
        results: the results of a run.
        names: names of the languages that the profile declares.
    """
    found = (
        task_table(results, names),
        *sweep_tables(results, names),
        confusion_table(results),
        modelling_table(results, names),
        pairs_table(results),
    )  # fmt: skip
    return [one for one in found if one]


def _confusion(
    labels: Sequence[str], counts_CC: Sequence[Sequence[int]]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Header and rows of a confusion matrix."""
    rows = zip(labels, counts_CC, strict=True)
    return (
        ("label", *(f"predicted {label}" for label in labels)),
        tuple((label, *map(format_integer, counts)) for label, counts in rows),
    )


def _task_cells(row: LanguageResults) -> tuple[str, ...]:
    dev, test = row.dev, row.test
    return (
        format_percent(dev.accuracy if dev else None),
        format_percent(test.accuracy if test else None),
        f"{format_percent(test.low)} to {format_percent(test.high)}" if test else ABSENT,
        format_percent(test.macro_f1 if test else None),
        format_percent(row.majority),
        format_percent(row.bag_of_words),
        format_percent(row.paper),
    )


def _task_means(rows: Sequence[LanguageResults]) -> tuple[str, ...]:
    # A baseline of dev, in languages without a test set, does not belong in a mean of test figures.
    tested = [row for row in rows if row.test] or rows
    return (
        format_percent(mean(row.dev.accuracy for row in rows if row.dev)),
        format_percent(mean(row.test.accuracy for row in rows if row.test)),
        "",
        format_percent(mean(row.test.macro_f1 for row in rows if row.test)),
        format_percent(mean(row.majority for row in tested)),
        format_percent(mean(row.bag_of_words for row in tested)),
        format_percent(mean(row.paper for row in rows)),
    )


def _modelling_cells(row: LanguageResults) -> tuple[str, ...]:
    retrieval = row.retrieval
    return (
        format_decimal(row.perplexity),
        format_decimal(row.pair_perplexity),
        format_percent(retrieval.centred_to_english if retrieval else None),
        format_percent(retrieval.centred_from_english if retrieval else None),
        format_percent(retrieval.raw if retrieval else None),
        format_integer(retrieval.pairs if retrieval else None),
    )


def _modelling_means(rows: Sequence[LanguageResults]) -> tuple[str, ...]:
    found = [row.retrieval for row in rows if row.retrieval]
    return (
        format_decimal(mean(row.perplexity for row in rows)),
        format_decimal(mean(row.pair_perplexity for row in rows)),
        format_percent(mean(retrieval.centred_to_english for retrieval in found)),
        format_percent(mean(retrieval.centred_from_english for retrieval in found)),
        format_percent(mean(retrieval.raw for retrieval in found)),
        "",
    )
