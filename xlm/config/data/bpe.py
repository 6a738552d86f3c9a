"""How subword codes are learned and the vocabulary is cut."""

from typing import Literal

from pydantic import Field

from xlm.config.data.learners import LearnerName
from xlm.engine.config import Config


class BpeConfig(Config):
    """One set of merges for all languages (paper section 3.1)."""

    source: Literal["rebuild", "official"] = Field(
        "rebuild",
        description="rebuild: learn codes and count the vocabulary; official: take the published "
        "ones (sources.official_codes, sources.official_vocabulary), whole, whatever the other "
        "fields say. The published model has vocabulary.size 95000.",
    )
    codes: int = Field(
        80_000, gt=0, le=10_000_000, description="Merges to learn, count (paper section 5.2)."
    )
    sample_alpha: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="Exponent of the language shares in the learning sample, between 0 (equal) "
        "and 1 (by size) (paper section 3.1).",
    )
    sample_lines: int | None = Field(
        None,
        gt=0,
        description="Expected size of the learning sample, lines; null: as many as there are.",
    )
    seed: int = Field(0, ge=0, description="Chooses which lines enter the learning sample.")
    learner: LearnerName = Field(
        "fastbpe",
        description="Program that learns the merges: fastbpe is the original's C++, whose ties "
        "follow its library's hash order; deterministic is ours, faster, with a tie rule that "
        "holds anywhere (docs/bpe.md).",
    )


class VocabularyConfig(Config):
    """What the model may say (XLM: --max_vocab, --min_count)."""

    size: int = Field(
        95_000,
        gt=14,
        le=10_000_000,
        description="Largest number of ids, the 14 special ones included (XLM: --max_vocab).",
    )
    min_count: int = Field(
        0, ge=0, description="Tokens seen less often than this are unknown, count (XLM: 0)."
    )


class LearnBpeSlice(Config):
    """What shapes the merges that are learned."""

    source: Literal["rebuild"]
    codes: int
    sample_alpha: float
    sample_lines: int | None
    seed: int
    learner: LearnerName


class OfficialBpeSlice(Config):
    """Which file of the download holds the published merges."""

    source: Literal["official"]
    file: str


class ApplyBpeSlice(Config):
    """Nothing but the inputs shapes the pieces."""


class VocabularySlice(Config):
    """Which counted list there is, and where it is cut."""

    source: Literal["rebuild", "official"]
    file: str | None
    """Of the download that holds the published list."""
    size: int
    min_count: int
