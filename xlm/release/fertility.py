"""How well the shared vocabulary covers each language: fertility, unknown tokens, share of ids.

The figures come from the `vocabulary` artifact, which counts them over the train splits. They are
shown by `xlm results`, in the UI and on the model card.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from xlm.classification.results.table import Table
from xlm.config.languages.names import Names, name_with_code
from xlm.display.markdown import format_decimal, format_integer, format_percent, mean, table
from xlm.errors import DataError
from xlm.store.integrity.presence import is_present

REPORT_NAME = "report.json"
"""Name of the report in the vocabulary artifact."""
FERTILITY_NAME = "vocabulary.png"
TITLE = "Vocabulary: fertility and coverage by language"


@dataclass(frozen=True)
class VocabularyCoverage:
    """How the merges and the vocabulary split and cover the text of one language."""

    tokens: int
    words: int
    fertility: float
    """Tokens per word."""
    unknown_rate: float
    """Share of the tokens that are not in the vocabulary."""
    vocabulary_share: float
    """Share of the vocabulary's ids, special tokens excluded, that occur in the language."""


def read_report(directory: Path) -> dict[str, VocabularyCoverage]:
    """Read the coverage by language from a vocabulary artifact; empty without a report.

    Raises:
        DataError: the report is damaged.
    """
    path = directory / REPORT_NAME
    if not is_present(path):
        return {}
    try:
        content = json.loads(path.read_bytes())
        return {code: coverage_of(figures) for code, figures in sorted(content.items())}
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read: {error}", fix="rebuild it with --refresh vocabulary"
        ) from error


def coverage_of(figures: Mapping[str, float]) -> VocabularyCoverage:
    """Convert one language's row of `language_report`."""
    return VocabularyCoverage(
        tokens=int(figures["tokens"]),
        words=int(figures["words"]),
        fertility=float(figures["fertility"]),
        unknown_rate=float(figures["unknown_rate"]),
        vocabulary_share=float(figures["vocabulary_share"]),
    )


def fertility_table(
    report: Mapping[str, VocabularyCoverage], names: Names | None = None
) -> Table | None:
    """Return a row for each language and their mean, or None for an empty report."""
    if not report:
        return None
    header = (
        "language",
        "words",
        "tokens",
        "tokens per word",
        "unknown, %",
        "share of vocabulary, %",
    )
    rows = [(name_with_code(code, names), *_cells(row)) for code, row in report.items()]
    if len(rows) > 1:
        rows.append((f"mean of {len(rows)}", "", "", *_means(report.values())))
    return Table(TITLE, header, tuple(rows))


def fertility_section(report: Mapping[str, VocabularyCoverage], names: Names | None = None) -> str:
    """Render the table, its explanation and the plot; empty for an empty report."""
    found = fertility_table(report, names)
    if found is None:
        return ""
    return "\n\n".join(
        [
            f"### {found.title}",
            table(found.header, found.rows),
            "Counted on the training text. *Tokens per word* (fertility) is 1 if no word is split; "
            "words are separated by the tokenizer or segmenter. *Unknown*: tokens that are not in "
            "the vocabulary. *Share of vocabulary*: vocabulary entries that occur in the language; "
            "languages share entries, so the shares add up to more than 100 %.",
            f"![Tokens per word, unknown tokens and share of the vocabulary]({FERTILITY_NAME})",
        ]
    )


def _means(rows: Collection[VocabularyCoverage]) -> tuple[str, ...]:
    return (
        format_decimal(mean(row.fertility for row in rows)),
        _rate(mean(row.unknown_rate for row in rows)),
        format_percent(mean(row.vocabulary_share for row in rows)),
    )


def _cells(row: VocabularyCoverage) -> tuple[str, ...]:
    return (
        format_integer(row.words),
        format_integer(row.tokens),
        format_decimal(row.fertility),
        _rate(row.unknown_rate),
        format_percent(row.vocabulary_share),
    )


def _rate(rate: float | None) -> str:
    return format_decimal(None if rate is None else 100 * rate, 3)
