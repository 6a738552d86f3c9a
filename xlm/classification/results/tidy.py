"""Accuracies and predictions as tidy tables: one row each, one column for each property.

    write_accuracies(directory, results.accuracies)   # accuracies.parquet, accuracies.json
    write_all_predictions(directory, found, labels)   # predictions.parquet

The bytes depend on the rows and the version of pyarrow alone.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from xlm.classification.results.accuracies import Accuracy
from xlm.config.training.sweep import Setting

ACCURACIES_NAME = "accuracies"
ALL_PREDICTIONS_FILE = "predictions.parquet"

_COLUMNS = {
    "checkpoint": pa.string(),
    "cell": pa.string(),
    "setting": pa.string(),
    "rule": pa.string(),
    "language": pa.string(),
    "split": pa.string(),
    "seed": pa.int64(),
    "learning_rate": pa.float64(),
    "batch_pairs": pa.int64(),
    "collapsed": pa.bool_(),
    "retried": pa.bool_(),
    "n": pa.int64(),
    "correct": pa.int64(),
    "accuracy": pa.float64(),
}
_RUN = "run"
SUFFIXES = (".parquet", ".json", ".csv")
"""Endings of the files that `table_bytes` makes."""


class ModelPredictions(NamedTuple):
    """What one fine-tuned model predicts for the rows of one split of one language."""

    checkpoint: str
    """Digest of the finetune artifact."""
    cell: str
    setting: Setting
    """`translate-test`: the rows were translated into English."""
    language: str
    split: str
    labels_N: NDArray[np.int64]
    """Ids of the labels, in the order of the rows."""
    predicted_N: NDArray[np.int64]


def write_accuracies(directory: Path, rows: Sequence[Accuracy]) -> None:
    """Write `accuracies.parquet` and `accuracies.json`."""
    for suffix in (".parquet", ".json"):
        (directory / f"{ACCURACIES_NAME}{suffix}").write_bytes(table_bytes(suffix, rows))


def table_bytes(suffix: str, rows: Sequence[Accuracy], runs: Sequence[str] | None = None) -> bytes:
    """Accuracies as a file of Parquet, JSON or CSV.

    Args:
        suffix: one of `SUFFIXES`.
        rows: accuracies of one or several runs.
        runs: the run of each row, for a first column `run`; None: no such column.
    """
    columns = dict(_COLUMNS) if runs is None else {_RUN: pa.string(), **_COLUMNS}
    records = [{name: getattr(row, name) for name in _COLUMNS} for row in rows]
    if runs is not None:
        records = [{_RUN: run, **one} for run, one in zip(runs, records, strict=True)]
    if suffix == ".parquet":
        file = io.BytesIO()
        table = pa.Table.from_pylist(records, schema=pa.schema(columns))
        pq.write_table(table, file, compression="zstd")
        return file.getvalue()
    if suffix == ".json":
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in records)
        return f"[\n{lines}\n]\n".encode()
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def write_all_predictions(
    directory: Path, found: Iterable[ModelPredictions], labels: Sequence[str]
) -> None:
    """Write `predictions.parquet`: a row for each model and each row that it labelled.

    Args:
        directory: where to write it.
        found: the predictions of each model, each language and split.
        labels: names of the labels by id.
    """
    models = list(found)
    counts = [len(one.labels_N) for one in models]
    columns = {
        name: _repeated([getattr(one, name) for one in models], counts)
        for name in ("checkpoint", "cell", "setting", "language", "split")
    }
    columns["row"] = pa.array(_joined([np.arange(count) for count in counts]), pa.int64())
    for name, parts in (
        ("label", [one.labels_N for one in models]),
        ("predicted", [one.predicted_N for one in models]),
    ):
        columns[name] = _named(_joined(parts), labels)
    pq.write_table(pa.table(columns), directory / ALL_PREDICTIONS_FILE, compression="zstd")


def _repeated(values: Sequence[str], counts: Sequence[int]) -> pa.DictionaryArray:
    """Each value as often as its count says."""
    names = sorted(set(values))
    return _named(np.repeat([names.index(value) for value in values], counts), names)


def _named(ids_N: NDArray[np.int64], names: Sequence[str]) -> pa.DictionaryArray:
    indices = pa.array(ids_N.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
