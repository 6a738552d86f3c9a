"""Settings of the synthetic sample world, and the slice of stage make-world."""

from pydantic import Field, field_validator

from xlm.engine.config import Config
from xlm.errors import ConfigError

MAX_ARTICLES = 13_824
"""Number of distinct titles: 96 training combinations, 6 places, 6 times, 4 word orders."""


class SampleConfig(Config):
    """Size of the sample world, mixture of its sentences, seed."""

    seed: int = Field(0, ge=0, description="Seed of the whole world.")
    articles: int = Field(
        800,
        gt=0,
        description=f"Number of articles in each language, at most {MAX_ARTICLES:,} because "
        "titles are unique.",
    )
    sentences_per_article: int = Field(
        5, gt=0, description="Number of sentences in an article; each is one paragraph."
    )
    parallel_sentences: int = Field(
        4_000,
        gt=0,
        description="Number of parallel sentences of English and each other language.",
    )
    train_pairs: int = Field(
        20_000,
        gt=0,
        description="Number of NLI training pairs in each language, with the same meanings in all.",
    )
    dev_pairs: int = Field(
        600, gt=0, le=3_000, description="Number of NLI development pairs in each language."
    )
    test_pairs: int = Field(
        900, gt=0, le=3_000, description="Number of NLI test pairs in each language."
    )
    keep_share: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="Probability that a sentence repeats the subject of the previous sentence of "
        "its article; the same for the predicate.",
    )
    generic_share: float = Field(
        0.12,
        ge=0.0,
        le=1.0,
        description="Probability that a sentence has 'someone' as its subject; the same for 'does "
        "something' as its predicate.",
    )
    place_and_time_share: float = Field(
        0.4,
        ge=0.0,
        le=1.0,
        description="Probability that a sentence names a place and a time; otherwise it names one "
        "of them.",
    )
    general_with_specific_share: float = Field(
        0.45,
        ge=0.0,
        le=1.0,
        description="Probability that a place or time is named twice, by its general and its "
        "specific phrase ('in the summer in July'), which teaches how the two are related.",
    )
    general_share: float = Field(
        0.3,
        ge=0.0,
        le=1.0,
        description="Probability that a place or time that is named once is named by its general "
        "phrase.",
    )

    @field_validator("articles")
    @classmethod
    def _has_titles(cls, articles: int) -> int:
        if articles > MAX_ARTICLES:
            raise ConfigError(
                f"sample.articles {articles:,} is more than the {MAX_ARTICLES:,} distinct titles",
                fix=f"set it to {MAX_ARTICLES} or less; sample.sentences_per_article makes the "
                "world larger",
            )
        return articles


class MakeWorldSlice(Config):
    """The settings of the world, and the date of its Wikipedia dumps."""

    sample: SampleConfig = Field(description="Sizes and seed of the world.")
    date: str = Field(description="Date of the Wikipedia dumps, YYYYMMDD.")
