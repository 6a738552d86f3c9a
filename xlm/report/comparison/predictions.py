"""The predictions that the evaluate stage stored, by language and split.

found = read_predictions(evaluated)
found["sw", "test"].labels_N
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xlm.classification.results.records import PREDICTIONS_FOLDER, PREDICTIONS_HEADER
from xlm.errors import DataError
from xlm.store.manifest import listed_files


@dataclass(frozen=True)
class Predictions:
    """Labels and predicted labels of the rows of one language and split, in their order."""

    labels_N: NDArray[np.str_]
    predicted_N: NDArray[np.str_]

    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is right, (N,)."""
        right_N: NDArray[np.bool_] = self.labels_N == self.predicted_N
        return right_N

    def same_rows(self, other: "Predictions") -> bool:
        """Whether both have the same number of rows with the same labels in the same order."""
        return np.array_equal(self.labels_N, other.labels_N)


def read_predictions(directory: Path) -> dict[tuple[str, str], Predictions]:
    """Read all predictions of an evaluate artifact; empty for one of an earlier version.

    Raises:
        DataError: a file has another format.
    """
    found = {}
    for path in listed_files(directory, f"{PREDICTIONS_FOLDER}/*.tsv"):
        language, _, split = path.name.removesuffix(".tsv").rpartition(".")
        found[language, split] = _read(path)
    return found


def _read(path: Path) -> Predictions:
    header, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    rows = [line.split("\t") for line in lines]
    if header != PREDICTIONS_HEADER or not rows or any(len(row) != 2 for row in rows):
        raise DataError(f"{path} has no label and prediction on each line", fix="rebuild it")
    labels, predicted = zip(*rows, strict=True)
    return Predictions(np.array(labels), np.array(predicted))
