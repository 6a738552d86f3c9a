"""The synthetic world of the sample profile."""

from pydantic import Field, field_validator

from xlm.engine.config import Config
from xlm.errors import ConfigError

MOST_ARTICLES = 13_824
"""The titles of a language: 96 training cells, 6 places, 6 times, 4 orders."""


class SampleConfig(Config):
    """How large the world is, how its sentences are mixed, and from which seed it is drawn."""

    seed: int = Field(0, ge=0, description="Seed of everything in the world.")
    articles: int = Field(
        800,
        gt=0,
        description=f"Articles of each language, count; titles are unique, so {MOST_ARTICLES:,} at "
        "most.",
    )
    sentences_per_article: int = Field(
        5, gt=0, description="Sentences of an article, count; each is a paragraph of its own."
    )
    parallel_sentences: int = Field(
        4_000, gt=0, description="Sentence pairs of English and each other language, count."
    )
    train_pairs: int = Field(
        20_000, gt=0, description="NLI training pairs of each language, count; the same situations."
    )
    dev_pairs: int = Field(
        600, gt=0, le=3_000, description="NLI development pairs of each language, count."
    )
    test_pairs: int = Field(
        900, gt=0, le=3_000, description="NLI test pairs of each language, count."
    )
    keep_share: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="Probability that a sentence keeps the subject (and the predicate) of the one "
        "before it in its article.",
    )
    generic_share: float = Field(
        0.12,
        ge=0.0,
        le=1.0,
        description="Probability that a sentence of running text says 'someone' for its subject "
        "(and 'does something' for its predicate).",
    )
    place_and_time_share: float = Field(
        0.4,
        ge=0.0,
        le=1.0,
        description="Probability that a sentence of running text tells place and time; otherwise "
        "it tells one of them.",
    )
    general_with_specific_share: float = Field(
        0.45,
        ge=0.0,
        le=1.0,
        description="Probability that a place or time is told twice, the general phrase before the "
        "specific one ('in the summer in July'): where the relation of words can be learned.",
    )
    general_share: float = Field(
        0.3,
        ge=0.0,
        le=1.0,
        description="Probability that a place or time told once is told by its general phrase.",
    )

    @field_validator("articles")
    @classmethod
    def _has_titles(cls, articles: int) -> int:
        if articles > MOST_ARTICLES:
            raise ConfigError(
                f"sample.articles is more than the {MOST_ARTICLES:,} titles of the world",
                fix=f"lower it to {MOST_ARTICLES} at most; sentences_per_article makes it larger",
            )
        return articles


class MakeWorldSlice(Config):
    """The world's settings, and the dump date under which it is looked for."""

    sample: SampleConfig = Field(description="Sizes and seed of the world.")
    date: str = Field(description="Date of the Wikipedia dumps, YYYYMMDD.")
