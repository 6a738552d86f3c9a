"""Settings of the splits, and the slice of stage split."""

from typing import Literal

from pydantic import Field, model_validator

from xlm.engine.config import Config
from xlm.errors import ConfigError


class SplitConfig(Config):
    """How lines are assigned to train, valid and test (XLM: the last 10,000 of a shuffle)."""

    valid_fraction: float = Field(
        default=0.01, gt=0, lt=0.5, description="Fraction of the lines in valid."
    )
    test_fraction: float = Field(
        default=0.01, gt=0, lt=0.5, description="Fraction of the lines in test."
    )
    max_valid_lines: int = Field(
        default=5000,
        ge=1,
        description="Maximum number of lines in valid (XLM get-data-wiki.sh: 5,000).",
    )
    max_test_lines: int = Field(
        default=5000,
        ge=1,
        description="Maximum number of lines in test (XLM get-data-wiki.sh: 5,000).",
    )
    seed: int = Field(
        default=42, ge=0, description="Seed of the assignment and of the order (XLM: 42)."
    )
    order: Literal["shuffled", "document"] = Field(
        default="shuffled",
        description="Order of the training lines: shuffled (XLM), or document, the order of the "
        "source.",
    )
    lines_per_shard: int = Field(
        default=100_000, ge=1, description="Maximum number of lines in one file of a split."
    )

    @model_validator(mode="after")
    def _leaves_train(self) -> "SplitConfig":
        if self.valid_fraction + self.test_fraction > 0.5:
            raise ConfigError(
                f"split.valid_fraction {self.valid_fraction} and split.test_fraction "
                f"{self.test_fraction} are together more than half of all lines",
                fix="lower them to a sum of 0.5 at most",
            )
        return self


class SplitSlice(SplitConfig):
    """Settings that determine the splits of one language or pair."""

    languages: tuple[str, ...]
    """One language, or the two of a pair."""
