"""Predictions of the selected models for test rows: each model reads each row once.

models = SelectedModels(job, selected, selection, vocabulary.hash, device)
for measure in models.measurements().values():
    measure()  # in any process
models.accuracies()  # after all of them
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from xlm.classification.evaluation.scoring import predict, predict_all
from xlm.classification.launch.jobs import EvaluateJob
from xlm.classification.results.accuracies import Accuracy
from xlm.classification.results.records import read_predictions
from xlm.classification.results.tidy import ModelPredictions
from xlm.classification.selection.records import Choice, ScoredCell, Selection
from xlm.config.languages.pairs import ENGLISH
from xlm.config.training.sweep import Setting
from xlm.model.formats.description import read_description
from xlm.model.formats.ours import load_classifier
from xlm.shards.lines import Examples
from xlm.shards.reader import has_split, read_examples

_TEST = "test"


class TestedRows(NamedTuple):
    """The test rows of one language, or their English translations."""

    language: str
    is_translated: bool


class Predicted(NamedTuple):
    """Labels and predicted labels of rows, by id."""

    labels_N: NDArray[np.int64]
    predicted_N: NDArray[np.int64]

    @property
    def correct(self) -> int:
        """Number of rows whose label was predicted."""
        return int((self.labels_N == self.predicted_N).sum())


class SelectedModels:
    """The models that a selection names, and what they predict."""

    def __init__(
        self, job: EvaluateJob, selected: Path, selection: Selection, vocabulary_hash: str,
        device: torch.device,
    ) -> None:  # fmt: skip
        self._job, self._selected, self._selection = job, selected, selection
        self._hash, self._device = vocabulary_hash, device
        self._folder = job.scratch / "tested"
        self.labels = read_description(selected).labels

    @property
    def published(self) -> str:
        """The cell whose weights are published."""
        return self._selection.published

    def measurements(self) -> dict[str, Callable[[], None]]:
        """What to predict, by name: all rows of each model.

        One pass over the languages, because batches of other rows round differently: the labels may
        not depend on the number of processes.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        return {
            f"test {unit}": partial(self._predict, unit, tested)
            for unit, tested in self._tested().items()
        }

    def dev(self, code: str) -> Predicted | None:
        """The predictions of the published model for dev rows, which the selection made."""
        found = read_predictions(self._selected, f"{code}.dev", self.labels)
        return Predicted(*found) if found else None

    def test(self, code: str) -> Predicted | None:
        """The predictions of the published model for test rows."""
        return self._read(self.published, TestedRows(code, is_translated=False))

    def accuracies(self) -> tuple[Accuracy, ...]:
        """One row for each dev score of a cell and for each test score of a choice."""
        return (*self._dev_accuracies(), *self._test_accuracies())

    def predictions(self) -> list[ModelPredictions]:
        """All predictions for test rows, and those of the published model for dev rows."""
        found = [
            self._named(unit, rows, _TEST, predicted)
            for unit, tested in self._tested().items()
            for rows in tested
            if (predicted := self._read(unit, rows)) is not None
        ]
        for code in sorted(self._job.rows):
            if (predicted := self.dev(code)) is not None:
                rows = TestedRows(code, is_translated=False)
                found.append(self._named(self.published, rows, "dev", predicted))
        return found

    def _named(
        self, unit: str, rows: TestedRows, split: str, predicted: Predicted
    ) -> ModelPredictions:
        cell = self._selection.cell(unit)
        return ModelPredictions(
            checkpoint=cell.checkpoint,
            cell=unit,
            setting="translate-test" if rows.is_translated else self._setting_of[cell.name],
            language=rows.language,
            split=split,
            labels_N=predicted.labels_N,
            predicted_N=predicted.predicted_N,
        )

    @cached_property
    def _setting_of(self) -> dict[str, Setting]:
        """The first setting that uses the training rows of a name."""
        found: dict[str, Setting] = {}
        for choice in self._selection.choices:
            found.setdefault(self._selection.cell(choice.cell).name, choice.setting)
        return found

    def _tested(self) -> dict[str, list[TestedRows]]:
        """The rows that each selected cell is tested on; the published one on all languages."""
        found: dict[str, set[TestedRows]] = {}
        for choice in self._selection.choices:
            found.setdefault(choice.cell, set()).add(_rows_of(choice))
        published = found.setdefault(self.published, set())
        published |= {TestedRows(code, is_translated=False) for code in self._job.rows}
        return {
            unit: existing
            for unit in sorted(found)
            for existing in [[rows for rows in sorted(found[unit]) if self._exists(rows)]]
            if existing
        }

    def _exists(self, rows: TestedRows) -> bool:
        if rows.is_translated:
            return rows.language in self._job.translated
        return has_split(self._job.rows[rows.language], _TEST)

    def _predict(self, unit: str, chosen: Sequence[TestedRows]) -> None:
        classifier = load_classifier(self._job.cells[unit]).to(self._device)
        own = {rows: self._examples(rows) for rows in chosen if not rows.is_translated}
        predicted = predict_all(
            classifier,
            {rows.language: examples for rows, examples in own.items()},
            device=self._device,
        )
        for rows, examples in own.items():
            self._write(unit, rows, Predicted(examples.labels, predicted[rows.language]))
        english = classifier.encoder.description.language_id
        for rows in chosen:
            if rows.is_translated:
                examples = self._examples(rows)
                labels_N = predict(
                    classifier, examples, language_id=english(ENGLISH), device=self._device
                )
                self._write(unit, rows, Predicted(examples.labels, labels_N))

    def _examples(self, rows: TestedRows) -> Examples:
        directories = self._job.translated if rows.is_translated else self._job.rows
        return read_examples(directories[rows.language], _TEST, self._hash, self.labels)

    def _path(self, unit: str, rows: TestedRows) -> Path:
        translated = ".translated" if rows.is_translated else ""
        return self._folder / f"{unit}.{rows.language}{translated}.npy"

    def _write(self, unit: str, rows: TestedRows, predicted: Predicted) -> None:
        np.save(self._path(unit, rows), np.stack(predicted))

    def _read(self, unit: str, rows: TestedRows) -> Predicted | None:
        path = self._path(unit, rows)
        return Predicted(*np.load(path)) if path.exists() else None

    def _dev_accuracies(self) -> list[Accuracy]:
        return [
            _accuracy(cell, self._setting_of[cell.name], code, score.n, score.correct, choice=None)
            for cell in self._selection.cells
            for code, score in cell.dev.items()
        ]

    def _test_accuracies(self) -> list[Accuracy]:
        found = []
        for choice in self._selection.choices:
            predicted = self._read(choice.cell, _rows_of(choice))
            if predicted is not None:
                cell, total = self._selection.cell(choice.cell), len(predicted.labels_N)
                found.append(
                    _accuracy(
                        cell, choice.setting, choice.language, total, predicted.correct,
                        choice=choice,
                    )
                )  # fmt: skip
        return found


def _rows_of(choice: Choice) -> TestedRows:
    is_translated = choice.setting == "translate-test" and choice.language != ENGLISH
    return TestedRows(choice.language, is_translated)


def _accuracy(
    cell: ScoredCell, setting: Setting, code: str, total: int, correct: int, *,
    choice: Choice | None,
) -> Accuracy:  # fmt: skip
    return Accuracy(
        setting=setting,
        rule=choice.rule if choice else None,
        language=code,
        split="test" if choice else "dev",
        seed=cell.seed,
        cell=cell.unit,
        learning_rate=cell.learning_rate,
        batch_pairs=cell.batch_pairs,
        checkpoint=cell.checkpoint,
        collapsed=cell.collapsed,
        retried=bool(cell.collapsed_tries),
        n=total,
        correct=correct,
    )
