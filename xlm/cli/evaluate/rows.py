"""Labelled rows through a classifier, for the tasks xnli and classify: progress, tables, files."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from xlm.classification.results.tables import confusion_note
from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.output import report
from xlm.cli.progress_lines import ProgressLines
from xlm.config.languages.names import name_with_code
from xlm.display.markdown import format_integer, format_percent, mean
from xlm.errors import ConfigError
from xlm.evaluation.classification import (
    CONFIDENCE,
    EncodedRows,
    LabelledRows,
    LanguageScores,
    encode_rows,
    predict_rows,
    score_rows,
)
from xlm.inference.model import Model
from xlm.store.disk.filesystem import write_atomically

PREDICTIONS_FOLDER = "predictions"
Paper = Mapping[str, Mapping[str, float]]
"""Published accuracies by name of the row and language."""


def require_labels(model: Model, labels: Sequence[str], where: str) -> None:
    """Check that the model knows the labels of rows.

    Raises:
        ConfigError: it does not; the message has both lists.
    """
    model.require_classifier()
    if unknown := [label for label in labels if label not in model.labels]:
        raise ConfigError(
            f"the model does not know the label {unknown[0][:40]!r}; {where} has "
            f"{_listed(labels)}, the model {_listed(model.labels)}",
            fix="use a model of this task, or rename the labels",
        )


def measure_rows(
    model: Model,
    all_rows: Sequence[LabelledRows],
    options: Options,
    *,
    title: str,
    facts: Mapping[str, object],
    paper: Paper | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Predict the rows of every language, and report the scores.

    Args:
        model: the model.
        all_rows: the rows of each language.
        options: options of the command.
        title: title of the table.
        facts: further values of the JSON document.
        paper: published accuracies, for further columns.
        notes: lines after the tables.

    Raises:
        DataError: a sentence has no tokens.
    """
    encoded = _encode(model, all_rows)
    total = sum(len(rows.labels) for rows in encoded)
    found = []
    with ProgressLines("evaluate", "rows", total=total) as progress:
        before = 0
        for rows in encoded:
            done = before

            def update(count: int, done: int = done) -> None:
                progress.update(done + count)

            scores_NC = predict_rows(model, rows, update)
            before += len(rows.labels)
            found.append(score_rows(rows, scores_NC))
            _write_predictions(model, rows, scores_NC, options)
    tables = [_table(title, found, paper or {})]
    if options.confusion:
        if note := confusion_note(model.labels, "the output of --json"):
            notes = (*notes, note)
        else:
            tables += [_confusion_table(scores, model.labels) for scores in found]
    results = {
        **facts,
        "labels": model.labels,
        "languages": [scores.model_dump() for scores in found],
        "mean": {
            "accuracy": mean(scores.accuracy for scores in found),
            "macro_f1": mean(scores.macro_f1 for scores in found),
        },
        "confidence": CONFIDENCE,
        **({"paper": paper} if paper else {}),
    }
    report(options, model, results, tables, notes)


def _encode(model: Model, all_rows: Sequence[LabelledRows]) -> list[EncodedRows]:
    total = sum(len(rows.labels) for rows in all_rows)
    encoded = []
    with ProgressLines("evaluate", "encoded rows", total=total) as progress:
        done = 0
        for rows in all_rows:
            encoded.append(encode_rows(model, rows))
            done += len(rows.labels)
            progress.update(done)
    return encoded


def _table(
    title: str, found: Sequence[LanguageScores], paper: Paper
) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    interval = f"{100 * CONFIDENCE:g} % interval"
    header = (
        "language", "accuracy", interval, "macro-F1", interval, "majority", "rows", *paper,
    )  # fmt: skip
    rows = [
        (
            name_with_code(one.code),
            format_percent(one.accuracy),
            f"{format_percent(one.low)} to {format_percent(one.high)}",
            format_percent(one.macro_f1),
            f"{format_percent(one.macro_f1_low)} to {format_percent(one.macro_f1_high)}",
            format_percent(one.majority),
            format_integer(one.total),
            *(format_percent(row.get(one.code)) for row in paper.values()),
        )
        for one in found
    ]
    if len(found) > 1:
        rows.append(
            (
                f"mean of {len(found)}",
                format_percent(mean(one.accuracy for one in found)),
                "",
                format_percent(mean(one.macro_f1 for one in found)),
                "",
                format_percent(mean(one.majority for one in found)),
                format_integer(sum(one.total for one in found)),
                *(
                    format_percent(mean(row.get(one.code) for one in found))
                    for row in paper.values()
                ),
            )
        )
    return title, header, rows


def _confusion_table(
    scores: LanguageScores, labels: Sequence[str]
) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    rows = [
        (label, *map(format_integer, counts))
        for label, counts in zip(labels, scores.confusion, strict=True)
    ]
    return (
        f"{name_with_code(scores.code)}: rows by label, predicted label to the right",
        ("label", *labels),
        rows,
    )


def _write_predictions(
    model: Model, rows: EncodedRows, scores_NC: NDArray[np.float32], options: Options
) -> None:
    """Write label, predicted label and probabilities of each row, in the order of the rows."""
    if options.output is None:
        return
    shares_NC = np.exp(scores_NC - scores_NC.max(1, keepdims=True), dtype=np.float64)
    shares_NC /= shares_NC.sum(1, keepdims=True)
    names = model.labels
    lines = ["\t".join(("label", "predicted", *names))]
    for label, shares in zip(rows.labels, shares_NC, strict=True):
        shown = (f"{share:.6f}" for share in shares)
        lines.append("\t".join((names[label], names[int(shares.argmax())], *shown)))
    folder = options.output / PREDICTIONS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{rows.language}.tsv", ("\n".join(lines) + "\n").encode())


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(label[:40] for label in labels[:20])
    return f"{shown} and {len(labels) - 20} more" if len(labels) > 20 else shown or "none"
