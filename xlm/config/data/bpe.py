"""Settings of BPE and of the vocabulary, and the slices of their stages."""

from typing import Literal

from pydantic import Field

from xlm.config.data.learners import LearnerName
from xlm.engine.config import Config, added, operational

BpeSource = Literal["rebuild", "official", "checkpoint"]


class BpeConfig(Config):
    """One list of BPE merges for all languages (paper section 3.1)."""

    source: BpeSource = Field(
        "rebuild",
        description="rebuild: learn the merges and count the vocabulary; official: use the "
        "published files (sources.official_codes, sources.official_vocabulary) unchanged; "
        "checkpoint: take over the merges and the ids of the model in pretrain.warm_start. The "
        "last two ignore the other settings of this section. The published model has "
        "vocabulary.size 95000.",
    )
    codes: int = Field(
        80_000, gt=0, le=10_000_000, description="Number of merges to learn (paper section 5.2)."
    )
    sample_alpha: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="Exponent of the language shares in the learning sample, from 0 (equal shares) "
        "to 1 (proportional to size) (paper section 3.1).",
    )
    sample_lines: int | None = Field(
        None,
        gt=0,
        description="Expected number of lines in the learning sample; null: as many as the "
        "training splits have.",
    )
    seed: int = Field(0, ge=0, description="Seed that selects the lines of the learning sample.")
    learner: LearnerName = Field(
        "fastbpe",
        description="Program that learns the merges. fastbpe: the original C++ program; it breaks "
        "ties by the hash order of its standard library. deterministic: our own, faster, with the "
        "same ties on every platform (docs/explanation/bpe.md).",
    )


class VocabularyConfig(Config):
    """Size of the model's vocabulary (XLM: --max_vocab, --min_count)."""

    size: int = Field(
        95_000,
        gt=14,
        le=10_000_000,
        description="Maximum number of ids, with the 14 special tokens (XLM: --max_vocab); ignored "
        "if bpe.source is checkpoint.",
    )
    min_count: int = Field(
        0,
        ge=0,
        description="Tokens with a lower count become <unk> (XLM: --min_count 0).",
    )
    new_tokens: int = added(
        0,
        ge=0,
        le=10_000_000,
        description="If bpe.source is checkpoint: number of tokens to add after the ids of the "
        "source, the most frequent ones of the training splits that it does not have.",
    )


class LearnBpeSlice(Config):
    """Settings that determine the learned merges."""

    source: Literal["rebuild"]
    codes: int
    sample_alpha: float
    sample_lines: int | None
    seed: int
    learner: LearnerName


class OfficialBpeSlice(Config):
    """The file of the download that contains the published merges."""

    source: Literal["official"]
    file: str


class CheckpointBpeSlice(Config):
    """The model with the merges and the vocabulary, by their contents."""

    source: Literal["checkpoint"]
    path: str = operational("", description="Absolute path of the model.")
    codes: str
    """sha256 of the merges."""
    vocabulary: str
    """Hash of the tokens in the order of their ids."""


class ApplyBpeSlice(Config):
    """Empty: apply-bpe has no settings, its inputs determine the subwords."""


class VocabularySlice(Config):
    """The counted list of tokens and where it is cut."""

    source: Literal["rebuild", "official"]
    file: str | None
    """File of the download that contains the published list; None if it is counted."""
    size: int
    min_count: int


class CheckpointVocabularySlice(Config):
    """How many tokens are added to those of the source."""

    source: Literal["checkpoint"]
    new_tokens: int
    min_count: int
