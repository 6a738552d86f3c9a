"""The results of the evaluate stage: `results.json` with types, `results.tsv`, predictions.

    results = read_results(evaluated)
    results.language("sw").test.accuracy

Accuracies are between 0 and 1. None: there are no data for the measurement.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from xlm.classification.results.accuracies import Accuracy
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.languages.pairs import ENGLISH
from xlm.engine.config import Config
from xlm.errors import DataError

RESULTS_FILE = "results.json"
TABLE_FILE = "results.tsv"
PREDICTIONS_FOLDER = "predictions"
PREDICTIONS_HEADER = "label\tpredicted"


class Scores(Config):
    """Accuracy with its Wilson interval, macro-F1 with its bootstrap interval, and confusions."""

    accuracy: float
    right: int
    total: int
    low: float
    high: float
    macro_f1: float | None = None
    macro_f1_low: float | None = None
    macro_f1_high: float | None = None
    confusion: tuple[tuple[int, ...], ...] = Field(
        (), description="Number of rows by label, and within it by predicted label, in label order."
    )


class Retrieval(Config):
    """How often the nearest sentence is the translation (P@1), for held-out pairs.

    `raw` compares mean-pooled last-layer states by cosine. `centred` first subtracts the mean of
    each language. For a pair without English, its first language stands for English.
    """

    pairs: int = Field(description="Number of distinct pairs.")
    raw_from_english: float
    raw_to_english: float
    centred_from_english: float
    centred_to_english: float

    @property
    def raw(self) -> float:
        """Mean of both directions."""
        return (self.raw_from_english + self.raw_to_english) / 2

    @property
    def centred(self) -> float:
        """Mean of both directions, after subtracting the language means."""
        return (self.centred_from_english + self.centred_to_english) / 2


class LanguageResults(Config):
    """The results of one language, or of one pair without English."""

    code: str
    """Of a language, or of a pair: `sw-yo`."""
    dev: Scores | None = None
    test: Scores | None = None
    majority: float | None = Field(
        None, description="Accuracy of the most frequent label, in test or else in dev."
    )
    bag_of_words: float | None = Field(
        None,
        description="Accuracy of a bag of words that was fitted to the training rows, in test or "
        "else in dev.",
    )
    paper: float | None = Field(None, description="Test accuracy in the paper, zero-shot MLM+TLM.")
    perplexity: float | None = Field(
        None, description="Perplexity of held-out text, as in validation."
    )
    pair_perplexity: float | None = Field(
        None, description="Perplexity of held-out pairs with English, or of the pair."
    )
    retrieval: Retrieval | None = None

    @property
    def is_pair(self) -> bool:
        """Whether it is a pair without English."""
        return "-" in self.code


class Averages(Config):
    """Means over the languages that have a value."""

    test: float | None
    zero_shot_test: float | None = Field(description="Mean without the training languages.")
    macro_f1: float | None = Field(None, description="Mean macro-F1 of test.")
    dev: float | None
    perplexity: float | None
    retrieval_raw: float | None
    retrieval_centred: float | None


class Results(Config):
    """All results, and how they were measured."""

    task: str | None = Field("XNLI", description="Name of the task; null without a classifier.")
    labels: tuple[str, ...] = Field(XNLI_LABELS, description="Labels in the order of their ids.")
    training_languages: tuple[str, ...] = Field(
        (ENGLISH,), description="Languages with training rows."
    )
    languages: tuple[LanguageResults, ...]
    accuracies: tuple[Accuracy, ...] = Field(
        (), description="Of every fine-tuned model: dev, and test of those that were selected."
    )
    published: str = Field(
        "", description="The cell whose weights are published; empty without a classifier."
    )
    averages: Averages
    confidence: float = Field(description="Coverage of the confidence intervals.")
    selected_by: str = Field(
        description="The dev accuracy that selected the published weights; empty without a "
        "classifier."
    )
    collapsed: bool = Field(
        False,
        description="Whether dev accuracy of the training languages never exceeded chance in "
        "fine-tuning.",
    )
    published_row: dict[str, dict[str, float]] = Field(
        description="Test accuracies in the paper's table, by row and language."
    )
    method: dict[str, str] = Field(description="How each result was measured.")

    def language(self, code: str) -> LanguageResults:
        """The results of one language."""
        return next(found for found in self.languages if found.code == code)

    @property
    def training_test(self) -> float | None:
        """Mean test accuracy of the training languages; None: not measured."""
        tested = [row for row in self.languages if row.code in self.training_languages]
        return _mean(row.test.accuracy for row in tested if row.test)


def averages(
    languages: Iterable[LanguageResults], training: Sequence[str] = (ENGLISH,)
) -> Averages:
    """Means of each result over the languages that have it.

    Args:
        training: languages with training rows, in which results are not zero-shot.
    """
    found = list(languages)
    tested = [row for row in found if row.test]
    retrieved = [row.retrieval for row in found if row.retrieval]
    return Averages(
        test=_mean(row.test.accuracy for row in tested if row.test),
        zero_shot_test=_mean(
            row.test.accuracy for row in tested if row.test and row.code not in training
        ),
        macro_f1=_mean(
            row.test.macro_f1 for row in tested if row.test and row.test.macro_f1 is not None
        ),
        dev=_mean(row.dev.accuracy for row in found if row.dev),
        perplexity=_mean(row.perplexity for row in found if row.perplexity is not None),
        retrieval_raw=_mean(one.raw for one in retrieved),
        retrieval_centred=_mean(one.centred for one in retrieved),
    )


def write_results(directory: Path, results: Results) -> None:
    """Write `results.json` and `results.tsv`."""
    text = results.model_dump_json(indent=1)
    (directory / RESULTS_FILE).write_text(text + "\n", encoding="utf-8")
    rows = [_COLUMNS, *(_row(found) for found in results.languages)]
    table = "".join("\t".join(row) + "\n" for row in rows)
    (directory / TABLE_FILE).write_text(table, encoding="utf-8")


def write_predictions(
    directory: Path,
    name: str,
    labels: Sequence[str],
    gold: Iterable[int],
    predicted: Iterable[int],
) -> None:
    """Write `predictions/NAME.tsv`: label and predicted label of each row, in the order of rows.

    Args:
        name: language and split, `sw.test`.
        labels: names of the labels by id.
    """
    folder = directory / PREDICTIONS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{labels[one]}\t{labels[other]}\n" for one, other in zip(gold, predicted, strict=True)]
    text = f"{PREDICTIONS_HEADER}\n" + "".join(rows)
    (folder / f"{name}.tsv").write_text(text, encoding="utf-8", newline="\n")


def read_predictions(
    directory: Path, name: str, labels: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Read labels and predicted labels, by id, (N,) each; None: there are none of that name.

    Args:
        name: language and split, `sw.dev`.
        labels: names of the labels by id.
    """
    path = directory / PREDICTIONS_FOLDER / f"{name}.tsv"
    if not path.exists():
        return None
    ids = {label: number for number, label in enumerate(labels)}
    _, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    found = np.array([[ids[label] for label in line.split("\t")] for line in lines], dtype=np.int64)
    return found[:, 0], found[:, 1]


def read_results(directory: Path) -> Results:
    """Read the results of the evaluate stage.

    Raises:
        DataError: the file is missing or has another format.
    """
    path = directory / RESULTS_FILE
    try:
        return Results.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix="rebuild the evaluate artifact") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {place}: {first['msg']}", fix="rebuild the artifact") from None


_COLUMNS = (
    "language", "dev", "test", "low", "high", "macro_f1", "macro_f1_low",
    "macro_f1_high", "majority", "bag_of_words", "paper", "perplexity",
    "pair_perplexity", "retrieval_raw", "retrieval_centred",
)  # fmt: skip


def _row(found: LanguageResults) -> tuple[str, ...]:
    test, dev, retrieval = found.test, found.dev, found.retrieval
    values = (
        dev.accuracy if dev else None,
        test.accuracy if test else None,
        test.low if test else None,
        test.high if test else None,
        test.macro_f1 if test else None,
        test.macro_f1_low if test else None,
        test.macro_f1_high if test else None,
        found.majority,
        found.bag_of_words,
        found.paper,
        found.perplexity,
        found.pair_perplexity,
        retrieval.raw if retrieval else None,
        retrieval.centred if retrieval else None,
    )
    return (found.code, *("" if value is None else f"{value:.4f}" for value in values))


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None
