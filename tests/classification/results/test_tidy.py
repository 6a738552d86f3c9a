"""Accuracies and predictions as tidy tables."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.classification.results.sweeps import sweep_rows
from xlm.classification.results.tidy import (
    ModelPredictions,
    table_bytes,
    write_accuracies,
    write_all_predictions,
)

COLUMNS = [
    "checkpoint", "cell", "setting", "rule", "language", "split", "seed", "learning_rate",
    "batch_pairs", "collapsed", "retried", "n", "correct", "accuracy",
]  # fmt: skip
LABELS = ("contradiction", "neutral", "entailment")


def test_both_files_have_the_same_rows(tmp_path: Path) -> None:
    rows = sweep_rows()
    write_accuracies(tmp_path, rows)
    table = pq.read_table(tmp_path / "accuracies.parquet")
    assert table.column_names == COLUMNS
    found = table.to_pylist()
    assert found == json.loads((tmp_path / "accuracies.json").read_text())
    assert len(found) == len(rows)
    assert found[0] == {
        "checkpoint": "of-en.lr5e-06.b8.s0", "cell": "en.lr5e-06.b8.s0", "setting": "zero-shot",
        "rule": None, "language": "en", "split": "dev", "seed": 0, "learning_rate": 5e-6,
        "batch_pairs": 8, "collapsed": False, "retried": False, "n": 100, "correct": 80,
        "accuracy": 0.8,
    }  # fmt: skip
    assert {row["rule"] for row in found} == {None, "training", "mean", "language"}


def test_equal_rows_have_equal_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_accuracies(tmp_path / name, sweep_rows())
        write_all_predictions(tmp_path / name, PREDICTIONS, LABELS)
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert found[0] == found[1]
    assert len(found[0]) == 3


def test_without_rows_the_files_have_the_columns(tmp_path: Path) -> None:
    write_accuracies(tmp_path, [])
    write_all_predictions(tmp_path, [], LABELS)
    assert pq.read_table(tmp_path / "accuracies.parquet").column_names == COLUMNS
    assert json.loads((tmp_path / "accuracies.json").read_text()) == []
    assert pq.read_table(tmp_path / "predictions.parquet").num_rows == 0


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".csv"])
def test_a_table_of_several_runs_names_the_run_first(tmp_path: Path, suffix: str) -> None:
    rows = sweep_rows(seeds=[0])[:2]
    path = tmp_path / f"accuracies{suffix}"
    path.write_bytes(table_bytes(suffix, rows, runs=["base", 'o,"ther']))
    if suffix == ".parquet":
        found = pq.read_table(path).to_pylist()
    elif suffix == ".json":
        found = json.loads(path.read_text())
    else:
        with path.open(newline="") as file:
            found = list(csv.DictReader(file))
    assert list(found[0]) == ["run", *COLUMNS]
    assert [row["run"] for row in found] == ["base", 'o,"ther']
    assert float(found[1]["accuracy"]) == 0.7
    assert found[0]["rule"] in (None, "")


PREDICTIONS = [
    ModelPredictions(
        f"digest-{cell}", cell, "zero-shot", "sw", "test",
        np.array([0, 1, 2]), np.array([0, 1, wrong]),
    )
    for cell, wrong in (("b", 1), ("a", 0))
]  # fmt: skip


def test_predictions_are_one_row_for_each_model_and_example(tmp_path: Path) -> None:
    write_all_predictions(tmp_path, PREDICTIONS, LABELS)
    table = pq.read_table(tmp_path / "predictions.parquet")
    assert table.column_names == [
        "checkpoint", "cell", "setting", "language", "split", "row", "label", "predicted",
    ]  # fmt: skip
    rows = table.to_pylist()
    assert [(row["cell"], row["row"]) for row in rows] == [
        (cell, number) for cell in "ba" for number in range(3)
    ]
    assert rows[2] == {
        "checkpoint": "digest-b", "cell": "b", "setting": "zero-shot", "language": "sw",
        "split": "test", "row": 2, "label": "entailment", "predicted": "neutral",
    }  # fmt: skip
    assert rows[5]["predicted"] == "contradiction"
