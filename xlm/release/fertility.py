"""What each language gets of the shared vocabulary: read, as a table and as a part of a card.

The figures are those of the `vocabulary` artifact, counted over the train splits.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from xlm.config.languages.pairs import KNOWN_LANGUAGES
from xlm.display.markdown import format_decimal, format_integer, format_percent, mean, table
from xlm.errors import DataError
from xlm.store.integrity.presence import is_present
from xlm.xnli.results.tables import Table

REPORT_NAME = "report.json"
"""File of the vocabulary artifact."""
FERTILITY_NAME = "vocabulary.png"
TITLE = "Vocabulary: how each language is cut"


@dataclass(frozen=True)
class LanguageShare:
    """How one language fares with the codes and the vocabulary."""

    tokens: int
    words: int
    fertility: float
    """Tokens per word."""
    unknown_rate: float
    """Share of the tokens that the vocabulary does not have."""
    vocabulary_share: float
    """Share of the vocabulary's ordinary ids that occur in the language."""


def read_report(directory: Path) -> dict[str, LanguageShare]:
    """The report of a vocabulary artifact by language; empty where it has none.

    Raises:
        DataError: the report is not what the stage writes.
    """
    path = directory / REPORT_NAME
    if not is_present(path):
        return {}
    try:
        content = json.loads(path.read_bytes())
        return {code: share_of(figures) for code, figures in sorted(content.items())}
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not readable: {error}", fix="rebuild vocabulary") from error


def share_of(figures: Mapping[str, float]) -> LanguageShare:
    """The figures of one language as `language_report` gives them."""
    return LanguageShare(
        tokens=int(figures["tokens"]),
        words=int(figures["words"]),
        fertility=float(figures["fertility"]),
        unknown_rate=float(figures["unknown_rate"]),
        vocabulary_share=float(figures["vocabulary_share"]),
    )


def fertility_table(report: Mapping[str, LanguageShare]) -> Table | None:
    """A row a language, and their mean; None where nothing was counted."""
    if not report:
        return None
    header = (
        "language",
        "words",
        "tokens",
        "tokens per word",
        "unknown, %",
        "of the vocabulary, %",
    )
    rows = [(language_name(code), *_cells(share)) for code, share in report.items()]
    if len(rows) > 1:
        rows.append((f"mean of {len(rows)}", "", "", *_means(report.values())))
    return Table(TITLE, header, tuple(rows))


def fertility_section(report: Mapping[str, LanguageShare]) -> str:
    """Table and figure with what they mean; empty where nothing was counted."""
    found = fertility_table(report)
    if found is None:
        return ""
    return "\n\n".join(
        [
            f"### {found.title}",
            table(found.header, found.rows),
            "Counted on the training text. *Tokens per word*: pieces that a word is cut into, 1 "
            "where all stay whole; words are what tokenizer or segmenter leave. *Unknown*: pieces "
            "that the vocabulary does not have. *Of the vocabulary*: pieces that occur in the "
            "language; languages share pieces, so the shares add up to more than 100.",
            f"![Tokens per word, unknown pieces and share of the vocabulary]({FERTILITY_NAME})",
        ]
    )


def language_name(code: str) -> str:
    """`Swahili (sw)`; a language that is not ours goes by its code."""
    return f"{KNOWN_LANGUAGES[code].name} ({code})" if code in KNOWN_LANGUAGES else code


def _means(shares: Collection[LanguageShare]) -> tuple[str, ...]:
    return (
        format_decimal(mean(share.fertility for share in shares)),
        _rate(mean(share.unknown_rate for share in shares)),
        format_percent(mean(share.vocabulary_share for share in shares)),
    )


def _cells(share: LanguageShare) -> tuple[str, ...]:
    return (
        format_integer(share.words),
        format_integer(share.tokens),
        format_decimal(share.fertility),
        _rate(share.unknown_rate),
        format_percent(share.vocabulary_share),
    )


def _rate(share: float | None) -> str:
    return format_decimal(None if share is None else 100 * share, 3)
