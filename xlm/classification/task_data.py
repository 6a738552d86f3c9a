"""The rows of fine-tuning: training rows of all training languages, and dev rows by language.

task = read_task_data(job, vocabulary.hash)
task.train.labels, task.dev["sw"].labels, task.labels
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlm.classification.launch.jobs import FinetuneJob
from xlm.config.languages.pairs import ENGLISH
from xlm.errors import TrainingError
from xlm.shards.lines import Examples, concatenate_examples
from xlm.shards.reader import has_split, label_names, read_examples, shard_kind


@dataclass(frozen=True)
class TaskData:
    """Training and dev rows of a task."""

    labels: tuple[str, ...]
    """Names of the labels by id."""
    train: Examples
    """The rows of all training languages, one language after the other."""
    counts: Mapping[str, int]
    """Number of training rows by language, in the order of `train`."""
    dev: Mapping[str, Examples]
    """Dev rows by language: those that select weights."""

    @property
    def training(self) -> str:
        """What the training languages are called in names of results: `english` or `training`."""
        return "english" if list(self.counts) == [ENGLISH] else "training"

    @property
    def selecting(self) -> list[str]:
        """The training languages that have dev rows."""
        return [code for code in self.counts if code in self.dev]

    def chance(self) -> float:
        """Mean share of the most frequent label in the dev rows of the training languages."""
        shares = [
            np.bincount(self.dev[code].labels).max() / len(self.dev[code])
            for code in self.selecting
        ]
        return float(np.mean(shares))


def read_task_data(job: FinetuneJob, vocabulary_hash: str) -> TaskData:
    """Read the rows of a job: dev of the training languages, or of all to select by the mean.

    Raises:
        TrainingError: there are no training rows, or no dev rows in a training language.
        DataError: shards are damaged, or have a label that is not in the training rows.
    """
    training = training_languages(job.rows, job.train)
    if not training:
        raise TrainingError(
            f"there are no training rows in {' or '.join(sorted(job.rows)) or 'any language'}",
            fix="add a language with training rows to languages",
        )
    labels = read_labels(job, vocabulary_hash)
    is_mean = job.finetune.select_by == "mean"
    chosen = [
        code
        for code in (sorted(job.rows) if is_mean else training)
        if has_split(job.rows[code], "valid")
    ]
    if not set(chosen) & set(training):
        raise TrainingError(
            f"there are no dev rows in {' or '.join(training)}, the languages of the training rows",
            fix="add a dev file in one of them",
        )
    blocks = {code: _read(job, code, "train", vocabulary_hash, labels) for code in training}
    return TaskData(
        labels=labels,
        train=concatenate_examples(list(blocks.values())),
        counts={code: len(examples) for code, examples in blocks.items()},
        dev={code: _read(job, code, "valid", vocabulary_hash, labels) for code in chosen},
    )


def read_labels(job: FinetuneJob, vocabulary_hash: str) -> tuple[str, ...]:
    """The labels of a job by id: the configured ones, or those of its training rows, sorted.

    Raises:
        DataError: a shard is damaged.
    """
    return job.labels or sort_labels(
        {
            label
            for code in training_languages(job.rows, job.train)
            for label in label_names(job.rows[code], "train", vocabulary_hash)
        }
    )


def row_sentences(job: FinetuneJob) -> int:
    """Number of sentences in a row, 1 or 2.

    Raises:
        DataError: a shard is damaged.
    """
    return 1 if shard_kind(next(iter(job.rows.values()))) == "sentence" else 2


def sort_labels(labels: set[str]) -> tuple[str, ...]:
    """Sort labels by number if all are whole numbers, otherwise by name."""
    if all(label.isascii() and label.removeprefix("-").isdigit() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def training_languages(rows: Mapping[str, Path], train: Sequence[str]) -> tuple[str, ...]:
    """Those of the languages `train` that have training rows, sorted.

    Args:
        rows: directories of shards by language.
        train: languages to train in.
    """
    return tuple(code for code in sorted(train) if code in rows and has_split(rows[code], "train"))


def _read(
    job: FinetuneJob, code: str, split: str, vocabulary_hash: str, labels: Sequence[str]
) -> Examples:
    examples = read_examples(job.rows[code], split, vocabulary_hash, labels)
    if not len(examples):
        raise TrainingError(f"the task has no {split} rows in {code}", fix="check its source")
    return examples
