"""Settings of cleaning, which is off by default, and the slice of stage clean."""

from pydantic import Field, model_validator

from xlm.engine.config import Config, operational
from xlm.errors import ConfigError

PACKAGED_MODEL = "py3langid"
"""The model for language identification that a package contains."""

DROPPED = "dropped."
"""Prefix of the counts of dropped lines: `dropped.duplicate`."""


class CleaningConfig(Config):
    """Which lines and pairs are dropped before the split; XLM drops none, so all is off."""

    min_characters: int | None = Field(
        None, ge=1, description="Drop lines with fewer characters; null: keep them."
    )
    max_characters: int | None = Field(
        None, ge=1, description="Drop lines with more characters; null: keep them."
    )
    max_ratio: float | None = Field(
        None,
        gt=1,
        description="Drop pairs with one side this many times longer than the other side predicts. "
        "The corpus itself tells how long one language is in the other. null: keep them.",
    )
    language_model: str | None = Field(
        None,
        min_length=1,
        description="Drop lines in another language: py3langid (140 languages), or the path of a "
        "model of fastText, such as lid.176.bin. The contents of the file are part of the key, the "
        "path is not. null: keep them.",
    )
    language_certainty: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Probability of another language from which a line is dropped. Lines with "
        "fewer than 20 letters and languages that the model does not know are kept.",
    )
    decontaminate: bool = Field(
        False,
        description="Drop lines that repeat sentences of the dev and test rows of the task "
        "(XNLI) in their language.",
    )
    overlap_words: int = Field(
        8,
        ge=2,
        description="Number of successive words in common with a dev or test sentence for which a "
        "line is dropped. A shorter sentence must be the complete line.",
    )
    overlap_characters: int = Field(
        24,
        ge=2,
        description="As overlap_words, for languages written without spaces: letters and digits.",
    )
    duplicates: bool = Field(
        False, description="Drop lines and pairs that are equal to an earlier one."
    )
    near_duplicates: float | None = Field(
        None,
        ge=0.3,
        le=0.95,
        description="Drop lines and pairs that are similar to an earlier one, by MinHash: the "
        "Jaccard similarity of their runs of 5 letters at which half of them are found, "
        "e.g. 0.8. null: keep them.",
    )
    samples: int = Field(
        20,
        ge=0,
        le=10_000,
        description="Number of dropped lines of each reason that samples.parquet shows.",
    )

    @model_validator(mode="after")
    def _bounds_leave_lines(self) -> "CleaningConfig":
        shortest, longest = self.min_characters, self.max_characters
        if shortest is not None and longest is not None and shortest > longest:
            raise ConfigError(
                f"cleaning.min_characters {shortest} is more than cleaning.max_characters "
                f"{longest}, so every line would be dropped",
                fix="lower the first, or raise the second",
            )
        return self


class CleanSlice(Config):
    """Settings that determine the clean text of one language or pair: only those that apply."""

    languages: tuple[str, ...]
    """One language, or the two of a pair."""
    min_characters: int | None
    max_characters: int | None
    max_ratio: float | None
    """None for a language."""
    language_model: str
    """Identity of the model: package and version, or digest of the file; empty: none."""
    language_certainty: float | None
    """None without a model."""
    language_names: dict[str, tuple[str, ...]]
    """Language to the names that a model may have for it."""
    overlap: dict[str, int]
    """Language to the number of words or characters in common with its dev and test rows."""
    unspaced: tuple[str, ...]
    """Those of `overlap` whose units are characters."""
    duplicates: bool
    near_duplicates: float | None
    minhash: str
    """Package and version that computes the signatures; empty without them."""
    unicode: str
    """Unicode version of Python, whose tables say what a letter is."""
    samples: int
    language_model_path: str = operational(
        "", description="Path of the model; `language_model` is what enters the key."
    )
