"""Settings of one source each: Wikipedia, a corpus of OPUS, a plain text corpus, an archive."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from xlm.config.data.own.pairs import JsonlPair, MosesZipPair, ParquetPair, TextPair, TsvPair
from xlm.config.languages.pairs import ENGLISH, split_pair
from xlm.config.reading.urls import file_name, require_file_url, require_text_url
from xlm.engine.config import Config, operational
from xlm.errors import ConfigError

_ID = r"^[a-z0-9_-]+$"
LATEST = "latest"
"""In place of a date: the newest one at which all dumps of a run are finished."""
UNKNOWN_LICENCE = "see the corpus page on OPUS"
"""The licence of a corpus of OPUS if the profile names none."""


class WikipediaSource(Config):
    """The Wikipedia dumps of one date."""

    date: str = Field(
        default="20261101",
        pattern=r"^(\d{8}|latest)$",
        description="Date of the dumps, YYYYMMDD; they must be complete on the server. latest: the "
        "newest complete date, which is looked up once and recorded in the store.",
    )
    head_bytes: int | None = Field(
        default=None,
        ge=10_000,
        description="Download only this many bytes of the multistream dump and use the bzip2 "
        "streams that are complete; null: the complete file (the paper).",
    )
    licence: str = Field(default="CC-BY-SA-4.0", description="Licence of the text.")
    languages: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="Languages of the profile whose Wikipedia is used; all: every one that has a "
        "Wikipedia.",
    )

    @field_validator("date")
    @classmethod
    def _is_a_day(cls, date: str) -> str:
        if date == LATEST:
            return date
        try:
            datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            raise ValueError(f"{date} is not a date; write YYYYMMDD, e.g. 20261101") from None
        return date


class OpusCorpus(Config):
    """A parallel corpus of OPUS in Moses format; the catalogue of opustools gives its URL."""

    kind: Literal["opus"] = Field(default="opus", description="opus: a corpus of OPUS.")
    corpus: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="Name in OPUS, e.g. MultiUN.")
    version: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="Release in OPUS, e.g. v1.")
    pairs: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="Pairs in our codes (en-sw, sw-yo), or all: English with every configured "
        "language.",
    )
    licence: str = Field(default=UNKNOWN_LICENCE, description="Licence of the text.")
    name: str = Field(
        default="",
        pattern=r"^[a-z0-9_-]*$",
        description="First part of the download ids; empty: `corpus` in lower case.",
    )

    @property
    def id(self) -> str:
        """First part of the download ids."""
        return self.name or re.sub(r"[^a-z0-9_-]", "_", self.corpus.lower())


class PlainCorpus(Config):
    """A parallel corpus of plain text: one file per language, aligned line by line."""

    kind: Literal["plain"] = Field(default="plain", description="plain: files of plain text.")
    name: str = Field(pattern=_ID, description="First part of the download ids.")
    title: str = Field(description="Name for manifests and cards.")
    english: str = Field(
        description="URL of the English file: text, plain or packed with gzip, bzip2, xz or zstd."
    )
    other: str = Field(
        description="URL of the file of another language; {code} stands for its language code.",
    )
    codes: Literal["ours", "ntrex"] = Field(
        default="ours",
        description="Language codes that {code} stands for: ours or those of NTREX "
        "(`xlm languages --json`).",
    )
    pairs: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="Pairs in our codes (en-sw), or all: English with every configured language.",
    )
    licence: str = Field(description="Licence of the text.")
    citation: str = operational(
        "", description="Publication to cite, for `xlm sources ls` and cards."
    )

    @field_validator("english")
    @classmethod
    def _is_text_url(cls, url: str) -> str:
        return require_text_url(url)

    @field_validator("other")
    @classmethod
    def _is_text_url_with_code(cls, url: str) -> str:
        return require_text_url(url, has_code=True)

    @field_validator("pairs")
    @classmethod
    def _with_english(cls, pairs: Literal["all"] | tuple[str, ...]) -> Any:
        for pair in () if pairs == "all" else pairs:
            if ENGLISH not in split_pair(pair):
                raise ConfigError(
                    f"sources.parallel: {pair} has no English side, but a corpus of kind plain has",
                    fix="leave the pair out, or use a corpus of another kind",
                )
        return pairs

    @property
    def id(self) -> str:
        """First part of the download ids."""
        return self.name


ParallelCorpus = Annotated[
    OpusCorpus | PlainCorpus | TextPair | TsvPair | JsonlPair | ParquetPair | MosesZipPair,
    Field(discriminator="kind"),
]


class ArchiveSource(Config):
    """One archive or file at one URL."""

    title: str = Field(description="Name for manifests and cards.")
    url: str = Field(description="URL of the file.")
    licence: str = Field(description="Licence of the text.")
    size_bytes: int | None = operational(
        None, description="Approximate size, bytes, shown by `xlm plan`; null: unknown."
    )
    citation: str = operational(
        "", description="Publication to cite, for `xlm sources ls` and cards."
    )

    @field_validator("url")
    @classmethod
    def _is_file_url(cls, url: str) -> str:
        return require_file_url(url)

    @property
    def file_name(self) -> str:
        """Name of the downloaded file."""
        return file_name(self.url)
