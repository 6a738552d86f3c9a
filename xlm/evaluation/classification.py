"""Accuracy and macro-F1 of a loaded classifier on labelled rows of one language.

    rows = LabelledRows("sw", premises, hypotheses, labels=[0, 2, ...], name=name)
    scores, predicted = score_rows(model, encode_rows(model, rows), progress)

Encoding is the short part and refuses what cannot be read, so callers encode everything first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from xlm.classification.evaluation.f1 import confusion_matrix
from xlm.classification.evaluation.scores import scores_of
from xlm.classification.results.records import Scores
from xlm.inference.model import Model
from xlm.inference.text import Ids, Name

CONFIDENCE = 0.95
"""Coverage of the intervals."""
_PART_ROWS = 256
"""Rows between two reports of progress."""


@dataclass(frozen=True)
class LabelledRows:
    """Rows of one language."""

    language: str
    first: Sequence[str]
    second: Sequence[str] | None
    """The second sentence of each pair; None: single sentences."""
    labels: Sequence[int]
    """Ids of the labels."""
    name: Name
    """How errors name a row."""


@dataclass(frozen=True)
class EncodedRows:
    """The ids of rows, without `</s>`."""

    language: str
    first: Sequence[Ids]
    second: Sequence[Ids] | None
    labels: NDArray[np.int64]


class LanguageScores(Scores):
    """The scores of one language."""

    code: str
    majority: float = Field(description="Accuracy of the most frequent label of these rows.")


def encode_rows(model: Model, rows: LabelledRows) -> EncodedRows:
    """The ids of rows.

    Raises:
        ConfigError: the model does not have the language.
        DataError: a sentence has no tokens.
    """
    model.require_language(rows.language)

    def encode(texts: Sequence[str]) -> list[Ids]:
        return model.encode(texts, language=rows.language, name=rows.name)

    return EncodedRows(
        language=rows.language,
        first=encode(rows.first),
        second=None if rows.second is None else encode(rows.second),
        labels=np.array(rows.labels, dtype=np.int64),
    )


def predict_rows(
    model: Model, rows: EncodedRows, progress: Callable[[int], None]
) -> NDArray[np.float32]:
    """The scores of the labels before the softmax, (N, C).

    Args:
        model: the model, with a classifier.
        rows: at least one row.
        progress: receives the number of rows so far.
    """
    lengths = np.array([len(ids) for ids in rows.first])
    if rows.second is not None:
        lengths += [len(ids) for ids in rows.second]
    order = np.argsort(lengths, kind="stable")
    scores_NC = np.empty((len(order), len(model.labels)), dtype=np.float32)
    for begin in range(0, len(order), _PART_ROWS):
        part = order[begin : begin + _PART_ROWS].tolist()
        second = None if rows.second is None else [rows.second[index] for index in part]
        scores_NC[part] = model.class_scores(
            [rows.first[index] for index in part], second, language=rows.language
        )
        progress(begin + len(part))
    return scores_NC


def score_rows(rows: EncodedRows, scores_NC: NDArray[np.float32], seed: int = 0) -> LanguageScores:
    """The scores of predictions.

    Args:
        rows: the rows.
        scores_NC: the result of `predict_rows`.
        seed: seed of the bootstrap.
    """
    confusion_CC = confusion_matrix(rows.labels, scores_NC.argmax(1), scores_NC.shape[1])
    return LanguageScores(
        **scores_of(confusion_CC, CONFIDENCE, seed).model_dump(),
        code=rows.language,
        majority=float(confusion_CC.sum(1).max() / len(rows.labels)),
    )


def is_of_the_published_shape(model: Model) -> bool:
    """Whether a model has the shape of xlm-mlm-tlm-xnli15-1024."""
    description = model.encoder.description
    shape = description.model
    found: tuple[Any, ...] = (shape.layers, shape.dimension, shape.heads)
    return (*found, description.vocabulary_size, len(description.languages)) == _PUBLISHED


_PUBLISHED = (12, 1024, 8, 95_000, 15)
"""Layers, dimension, heads, vocabulary and languages (spec 2)."""
