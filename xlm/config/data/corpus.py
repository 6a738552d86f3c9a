"""How downloads become clean text (extract) and how text is divided (split)."""

from typing import Literal

from pydantic import Field, model_validator

from xlm.engine.config import Config, operational
from xlm.errors import ConfigError


class ExtractConfig(Config):
    """Wikitext to text, and the limits on what archives may hold."""

    engine: Literal["wikiextractor"] = Field(
        default="wikiextractor",
        description="Program that turns wikitext into text (XLM: WikiExtractor).",
    )
    templates: bool = Field(
        default=False,
        description="Expand templates: holds all of a dump's in memory and reads it twice; the "
        "goldens are without.",
    )
    titles: Literal["plain", "original"] = Field(
        default="plain",
        description="Title lines of the text: plain (R&B), or original, with the dump's escapes "
        "(R&amp;B), as XLM had them.",
    )
    variant: str = Field(
        default="zh-hans",
        pattern=r"^(original|[a-z]{2,3}(-[a-z0-9]{2,8}){0,2})$",
        description="Language variant taken of -{zh-hans:...;zh-hant:...}- in wikis that have "
        "them; a wiki without it gives its first; original: left as written.",
    )
    missing_pages: float = operational(
        0.001,
        ge=0,
        le=1,
        description="Share of a dump's articles that the engine may lose, at least one page; "
        "more is an error. Lost pages are counted and named in the logs.",
    )
    page_seconds: float = operational(
        600.0,
        gt=0,
        description="Longest work of the engine on one page, seconds; a longer one is dropped, "
        "counted and named in the logs. A block of pages gets a second more per 50 kB.",
    )
    timeout_seconds: float = operational(
        172_800.0, gt=0, description="Longest run of the engine on one dump, seconds."
    )


class SplitConfig(Config):
    """Which lines train, validate and test (XLM: the last 10,000 lines of a shuffle)."""

    valid_fraction: float = Field(
        default=0.01, gt=0, lt=0.5, description="Share of lines that validate."
    )
    test_fraction: float = Field(
        default=0.01, gt=0, lt=0.5, description="Share of lines that test."
    )
    max_valid_lines: int = Field(
        default=5000, ge=1, description="Most lines that validate (XLM get-data-wiki.sh: 5,000)."
    )
    max_test_lines: int = Field(
        default=5000, ge=1, description="Most lines that test (XLM get-data-wiki.sh: 5,000)."
    )
    seed: int = Field(default=42, ge=0, description="Seed of sides and order (XLM: 42).")
    order: Literal["shuffled", "document"] = Field(
        default="shuffled",
        description="Order of training lines: shuffled (XLM) or as they stood in the documents.",
    )
    lines_per_shard: int = Field(default=100_000, ge=1, description="Lines in one file of a split.")

    @model_validator(mode="after")
    def _leaves_train(self) -> "SplitConfig":
        if self.valid_fraction + self.test_fraction > 0.5:
            raise ConfigError(
                "split.valid_fraction and split.test_fraction take more than half of all lines",
                fix="lower them",
            )
        return self


class ExtractWikiSlice(ExtractConfig):
    """How wikitext becomes text, for one language."""

    language: str


class SplitSlice(SplitConfig):
    """How the lines of one language or pair are divided."""

    languages: tuple[str, ...]
    """One for monolingual text, two for a pair."""


class ExtractXnliSlice(Config):
    """Which rows of one language are taken."""

    language: str
    train: bool
    """Whether the language has training rows: English only (zero-shot transfer)."""
    max_train_rows: int | None
    max_eval_rows: int | None
