"""The results of the evaluate stage: `results.json` with types, and `xnli.tsv` as a table.

    results = read_results(evaluated)
    results.language("sw").test.accuracy

Accuracies are between 0 and 1. None: there are no data for the measurement.
"""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from pydantic import Field, ValidationError

from xlm.config.languages.pairs import ENGLISH
from xlm.engine.config import Config
from xlm.errors import DataError

RESULTS_FILE = "results.json"
TABLE_FILE = "xnli.tsv"


class Accuracy(Config):
    """An accuracy with its Wilson interval."""

    accuracy: float
    right: int
    total: int
    low: float
    high: float


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
    dev: Accuracy | None = None
    test: Accuracy | None = None
    majority: float | None = Field(None, description="Test accuracy of the most frequent label.")
    bag_of_words: float | None = Field(
        None, description="Test accuracy of a bag of words that was fitted to English."
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
    zero_shot_test: float | None = Field(description="Mean without English.")
    dev: float | None
    perplexity: float | None
    retrieval_raw: float | None
    retrieval_centred: float | None


class Results(Config):
    """All results, and how they were measured."""

    languages: tuple[LanguageResults, ...]
    averages: Averages
    confidence: float = Field(description="Coverage of the confidence intervals.")
    selected_by: str = Field(description="The dev accuracy that selected the published weights.")
    collapsed: bool = Field(
        False, description="Whether English dev accuracy never exceeded chance in fine-tuning."
    )
    published_row: dict[str, dict[str, float]] = Field(
        description="Test accuracies in the paper's table, by row and language."
    )
    method: dict[str, str] = Field(description="How each result was measured.")

    def language(self, code: str) -> LanguageResults:
        """The results of one language."""
        return next(found for found in self.languages if found.code == code)


def averages(languages: Iterable[LanguageResults]) -> Averages:
    """Means of each result over the languages that have it."""
    found = list(languages)
    tested = [row for row in found if row.test]
    retrieved = [row.retrieval for row in found if row.retrieval]
    return Averages(
        test=_mean(row.test.accuracy for row in tested if row.test),
        zero_shot_test=_mean(
            row.test.accuracy for row in tested if row.test and row.code != ENGLISH
        ),
        dev=_mean(row.dev.accuracy for row in found if row.dev),
        perplexity=_mean(row.perplexity for row in found if row.perplexity is not None),
        retrieval_raw=_mean(one.raw for one in retrieved),
        retrieval_centred=_mean(one.centred for one in retrieved),
    )


def write_results(directory: Path, results: Results) -> None:
    """Write `results.json` and `xnli.tsv`."""
    text = results.model_dump_json(indent=1)
    (directory / RESULTS_FILE).write_text(text + "\n", encoding="utf-8")
    rows = [_COLUMNS, *(_row(found) for found in results.languages)]
    table = "".join("\t".join(row) + "\n" for row in rows)
    (directory / TABLE_FILE).write_text(table, encoding="utf-8")


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
    "language", "dev", "test", "low", "high", "majority", "bag_of_words", "paper", "perplexity",
    "pair_perplexity", "retrieval_raw", "retrieval_centred",
)  # fmt: skip


def _row(found: LanguageResults) -> tuple[str, ...]:
    test, dev, retrieval = found.test, found.dev, found.retrieval
    values = (
        dev.accuracy if dev else None,
        test.accuracy if test else None,
        test.low if test else None,
        test.high if test else None,
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
