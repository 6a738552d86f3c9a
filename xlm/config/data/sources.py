"""What is downloaded: Wikipedias, parallel corpora, XNLI and MultiNLI; with licences and caps.

sources = SourcesConfig(parallel=(OpusCorpus(corpus="Tatoeba", version="v2022-03-03"),))
sources.pairs(("en", "sw"))          # ("en-sw",)
sources.download_ids(("en", "sw"))   # wikipedia.en, wikipedia.sw, tatoeba.en-sw, xnli, ...
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from xlm.config.languages.pairs import ENGLISH, other_language, pair_of, split_pair
from xlm.config.reading.urls import (
    file_name,
    require_file_url,
    require_mirror,
    require_text_url,
)
from xlm.engine.config import Config, operational
from xlm.errors import ConfigError

XNLI_ID = "xnli"
MULTINLI_ID = "multinli"
WIKIPEDIA_ID = "wikipedia"
OFFICIAL_CODES_ID = "xlm.codes"
OFFICIAL_VOCABULARY_ID = "xlm.vocabulary"
OFFICIAL_IDS = (OFFICIAL_CODES_ID, OFFICIAL_VOCABULARY_ID)
"""Downloaded where `bpe.source` is official."""
_ID = r"^[a-z0-9_-]+$"
_RESERVED = (XNLI_ID, MULTINLI_ID, WIKIPEDIA_ID, "xlm")


class WikipediaSource(Config):
    """The Wikipedia dump of each language at one date."""

    date: str = Field(
        default="20261101",
        pattern=r"^\d{8}$",
        description="Dump date, YYYYMMDD; must be finished on the host (XLM took `latest`: its "
        "dates are lost).",
    )
    head_bytes: int | None = Field(
        default=None,
        ge=10_000,
        description="Take only the whole bzip2 streams among the first so many bytes of the "
        "multistream file; null: the whole file (the paper).",
    )
    licence: str = Field(default="CC-BY-SA-4.0", description="Licence of the text.")

    @field_validator("date")
    @classmethod
    def _is_a_day(cls, date: str) -> str:
        try:
            datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            raise ValueError(
                f"{date} is no day of a calendar; write YYYYMMDD, e.g. 20261101"
            ) from None
        return date


class OpusCorpus(Config):
    """A parallel corpus of OPUS, found through the catalogue of opustools (Moses files)."""

    kind: Literal["opus"] = "opus"
    corpus: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="OPUS name, e.g. MultiUN.")
    version: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="OPUS release, e.g. v1.")
    pairs: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="Pairs in our codes (en-sw), or all: English with every configured language.",
    )
    licence: str = Field(default="see the corpus page on OPUS", description="Licence of the text.")
    name: str = Field(
        default="",
        pattern=r"^[a-z0-9_-]*$",
        description="First part of the download's id; empty: the corpus in lower case.",
    )

    @property
    def id(self) -> str:
        """First part of the ids of its downloads."""
        return self.name or re.sub(r"[^a-z0-9_-]", "_", self.corpus.lower())


class PlainCorpus(Config):
    """A parallel corpus of plain text: one file a language, line i is the same sentence in all."""

    kind: Literal["plain"] = "plain"
    name: str = Field(pattern=_ID, description="First part of the downloads' ids.")
    title: str = Field(description="Name for manifests and cards.")
    english: str = Field(
        description="URL of the English file: text, or text packed with gzip, bzip2 or xz."
    )
    other: str = Field(
        description="URL of another language's file, with {code} where its code belongs.",
    )
    codes: Literal["ours", "ntrex"] = Field(
        default="ours",
        description="Whose language codes {code} stands for (xlm/config/languages/table.py).",
    )
    pairs: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="Pairs in our codes (en-sw), or all: English with every configured language.",
    )
    licence: str = Field(description="Licence of the text.")

    @field_validator("english")
    @classmethod
    def _is_english(cls, url: str) -> str:
        return require_text_url(url)

    @field_validator("other")
    @classmethod
    def _has_code(cls, url: str) -> str:
        return require_text_url(url, has_code=True)

    @property
    def id(self) -> str:
        """First part of the ids of its downloads."""
        return self.name


ParallelCorpus = Annotated[OpusCorpus | PlainCorpus, Field(discriminator="kind")]


class ArchiveSource(Config):
    """One archive or file at one URL."""

    title: str = Field(description="Name for manifests and cards.")
    address: str = Field(description="URL of the file at its server.")
    licence: str = Field(description="Licence of the text.")
    size_bytes: int | None = operational(
        None, description="About how large it is at its host, for plans; null: unknown."
    )

    @field_validator("address")
    @classmethod
    def _names_a_file(cls, url: str) -> str:
        return require_file_url(url)

    @property
    def file_name(self) -> str:
        """The name under which a download leaves it."""
        return file_name(self.address)


_XNLI = ArchiveSource(
    title="XNLI 1.0",
    address="https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
    licence="CC-BY-NC-4.0",
)
_MULTINLI = ArchiveSource(
    title="MultiNLI (training set of XNLI-MT 1.0)",
    address="https://dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip",
    licence="OANC",
    size_bytes=445_000_000,
)
_OFFICIAL_CODES = ArchiveSource(
    title="Byte-pair codes of XLM-15",
    address="https://dl.fbaipublicfiles.com/XLM/codes_xnli_15",
    licence="CC-BY-NC-4.0",
    size_bytes=1_434_601,
)
_OFFICIAL_VOCABULARY = ArchiveSource(
    title="Vocabulary of XLM-15",
    address="https://dl.fbaipublicfiles.com/XLM/vocab_xnli_15",
    licence="CC-BY-NC-4.0",
    size_bytes=1_548_931,
)


class NetworkConfig(Config):
    """How patiently hosts are asked; nothing here changes what arrives."""

    attempts: int = operational(
        6, ge=1, description="Attempts in a row without a mebibyte of advance, per URL."
    )
    timeout_seconds: float = operational(
        60.0, gt=0, description="Longest wait for a connection or for the next bytes, seconds."
    )
    least_bytes_per_second: float = operational(
        1024.0, ge=0, description="A transfer slower than this for a whole timeout is cut, B/s."
    )
    first_wait_seconds: float = operational(
        1.0, ge=0, description="Wait before the second attempt; doubles each time, jittered."
    )
    longest_wait_seconds: float = operational(
        120.0, ge=0, description="Longest wait between attempts, also if a host asks for more."
    )
    connections_per_host: int = operational(
        2, ge=1, description="Transfers at a time from one host (Wikimedia allows 2)."
    )
    redirect_hosts: tuple[str, ...] = operational(
        (), description="Other hosts to which a host may redirect a download; else only itself."
    )
    largest_unsized_bytes: int = operational(
        4_000_000_000,
        ge=1,
        description="Most bytes of a file whose size neither its host nor a catalogue gives.",
    )


class SourcesConfig(Config):
    """All sources of a run."""

    mirror: str | None = operational(
        None,
        description="Folder or URL under which `<host>/<path>` stands for "
        "`https://<host>/<path>`; null: the real hosts.",
    )
    network: NetworkConfig = operational(
        NetworkConfig(), description="Timeouts, retries and limits of downloads."
    )
    wikipedia: WikipediaSource = Field(
        default=WikipediaSource(), description="Monolingual text (paper section 5.1)."
    )
    parallel: tuple[ParallelCorpus, ...] = Field(
        default=(), description="Parallel corpora; those of one pair are joined in this order."
    )
    xnli: ArchiveSource = Field(
        default=_XNLI, description="Dev and test sets in 15 languages (XNLI)."
    )
    multinli: ArchiveSource = Field(
        default=_MULTINLI, description="English training pairs (XNLI-MT)."
    )
    official_codes: ArchiveSource = Field(
        default=_OFFICIAL_CODES, description="Taken where bpe.source is official."
    )
    official_vocabulary: ArchiveSource = Field(
        default=_OFFICIAL_VOCABULARY, description="Taken where bpe.source is official."
    )
    max_pairs: int | None = Field(
        default=None,
        ge=1,
        description="Lines taken of each corpus of a pair, the first; null: all.",
    )
    max_bad_lines: float = operational(
        0.01,
        ge=0,
        le=1,
        description="Share of the lines of a parallel text that may be other than plain UTF-8; "
        "more of them are an error. Those that are taken have U+FFFD for their bad bytes.",
    )
    max_train_rows: int | None = Field(
        default=None,
        ge=1,
        description="MultiNLI training rows taken, the first; null: all (392,702).",
    )
    max_eval_rows: int | None = Field(
        default=None, ge=1, description="XNLI rows a language and set taken, the first; null: all."
    )

    @field_validator("mirror")
    @classmethod
    def _is_folder_or_url(cls, mirror: str | None) -> str | None:
        return mirror if mirror is None else require_mirror(mirror)

    @field_validator("parallel")
    @classmethod
    def _known_pairs(cls, corpora: tuple[ParallelCorpus, ...]) -> tuple[ParallelCorpus, ...]:
        for corpus in corpora:
            for pair in () if corpus.pairs == "all" else corpus.pairs:
                split_pair(pair)
        return corpora

    @model_validator(mode="after")
    def _distinct_ids(self) -> "SourcesConfig":
        names = [corpus.id for corpus in self.parallel]
        twice = sorted({name for name in names if names.count(name) > 1})
        taken = sorted(set(names) & set(_RESERVED))
        for name in twice + taken:
            raise ConfigError(
                f"sources.parallel: the id {name!r} is taken more than once",
                fix=f"give one of them a name of its own, e.g. name: {name}_2",
            )
        return self

    def corpora_of(self, pair: str) -> tuple[ParallelCorpus, ...]:
        """The corpora that hold a pair, in the order in which they are joined."""
        return tuple(c for c in self.parallel if c.pairs == "all" or pair in c.pairs)

    def pairs(self, languages: Sequence[str]) -> tuple[str, ...]:
        """The pairs of English and a configured language that some corpus holds, alphabetical."""
        if ENGLISH not in languages:
            return ()
        wanted = sorted(pair_of(code) for code in languages if code != ENGLISH)
        return tuple(pair for pair in wanted if self.corpora_of(pair))

    def downloads_of(self, pair: str) -> tuple[str, ...]:
        """The ids of the downloads that a pair is made from."""
        other = other_language(pair)
        ids: list[str] = []
        for corpus in self.corpora_of(pair):
            parts = (pair,) if corpus.kind == "opus" else (ENGLISH, other)
            ids += [f"{corpus.id}.{part}" for part in parts]
        return tuple(ids)

    def archive_of(self, download_id: str) -> ArchiveSource | None:
        """The configured archive behind a download's id, if it is one."""
        return {
            XNLI_ID: self.xnli,
            MULTINLI_ID: self.multinli,
            OFFICIAL_CODES_ID: self.official_codes,
            OFFICIAL_VOCABULARY_ID: self.official_vocabulary,
        }.get(download_id)

    def download_ids(self, languages: Sequence[str]) -> tuple[str, ...]:
        """The ids of all downloads of a run, each once, in the order of the DAG."""
        ids = [f"{WIKIPEDIA_ID}.{code}" for code in languages]
        for pair in self.pairs(languages):
            ids += self.downloads_of(pair)
        return tuple(dict.fromkeys([*ids, XNLI_ID, MULTINLI_ID]))
