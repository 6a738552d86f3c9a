"""Settings of the sources: Wikipedias, own text, parallel corpora, XNLI and MultiNLI.

sources = SourcesConfig(parallel=(OpusCorpus(corpus="Tatoeba", version="v2022-03-03"),))
sources.pairs(("en", "sw"))          # ("en-sw",)
sources.download_ids(("en", "sw"))   # wikipedia.en, wikipedia.sw, tatoeba.en-sw, ...
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from xlm.config.data.corpora import (
    ArchiveSource,
    OpusCorpus,
    ParallelCorpus,
    PlainCorpus,
    WikipediaSource,
)
from xlm.config.data.own.files import OwnSource, SourceFile
from xlm.config.data.own.pairs import OwnPair
from xlm.config.data.own.text import OwnText
from xlm.config.languages.declared import TABLE, Languages
from xlm.config.languages.pairs import ENGLISH, other_language, split_pair
from xlm.config.reading.urls import require_mirror
from xlm.engine.config import Config, added, as_list, operational
from xlm.errors import ConfigError

XNLI_ID = "xnli"
MULTINLI_ID = "multinli"
PAWSX_ID = "pawsx"
WIKIPEDIA_ID = "wikipedia"
OFFICIAL_CODES_ID = "xlm.codes"
OFFICIAL_VOCABULARY_ID = "xlm.vocabulary"
OFFICIAL_IDS = (OFFICIAL_CODES_ID, OFFICIAL_VOCABULARY_ID)
"""Downloaded if `bpe.source` is official."""
RESERVED_IDS = (XNLI_ID, MULTINLI_ID, PAWSX_ID, WIKIPEDIA_ID, "xlm")
"""First parts of download ids that no corpus may have."""


_XNLI = ArchiveSource(
    title="XNLI 1.0",
    url="https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
    licence="CC-BY-NC-4.0",
    citation="Conneau et al. 2018",
)
_MULTINLI = ArchiveSource(
    title="MultiNLI (training set of XNLI-MT 1.0)",
    url="https://dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip",
    licence="OANC",
    citation="Williams et al. 2018",
    size_bytes=445_000_000,
)
_PAWSX = ArchiveSource(
    title="PAWS-X",
    url="https://storage.googleapis.com/paws/pawsx/x-final.tar.gz",
    licence="see https://github.com/google-research-datasets/paws/blob/master/LICENSE",
    citation="Yang et al. 2019",
)
_OFFICIAL_CODES = ArchiveSource(
    title="Byte-pair codes of XLM-15",
    url="https://dl.fbaipublicfiles.com/XLM/codes_xnli_15",
    licence="CC-BY-NC-4.0",
    citation="Lample and Conneau 2019",
    size_bytes=1_434_601,
)
_OFFICIAL_VOCABULARY = ArchiveSource(
    title="Vocabulary of XLM-15",
    url="https://dl.fbaipublicfiles.com/XLM/vocab_xnli_15",
    licence="CC-BY-NC-4.0",
    citation="Lample and Conneau 2019",
    size_bytes=1_548_931,
)


class NetworkConfig(Config):
    """Timeouts, retries and limits of downloads; they do not change the downloaded bytes."""

    attempts: int = operational(
        6,
        ge=1,
        description="Attempts for one URL; an attempt that transfers at least 1 MiB resets the "
        "count.",
    )
    timeout_seconds: float = operational(
        60.0, gt=0, description="Timeout for a connection and for the next bytes, seconds."
    )
    least_bytes_per_second: float = operational(
        1024.0,
        ge=0,
        description="Minimum speed, bytes per second; a transfer that is slower for "
        "timeout_seconds is aborted and retried.",
    )
    first_wait_seconds: float = operational(
        1.0,
        ge=0,
        description="Delay before the second attempt, seconds; it doubles with each attempt, with "
        "jitter.",
    )
    longest_wait_seconds: float = operational(
        120.0,
        ge=0,
        description="Maximum delay between attempts, seconds, even if the server asks for more.",
    )
    connections_per_host: int = operational(
        2,
        ge=1,
        description="Connections to one server at a time, over all processes of this user on the "
        "machine; at most 2 to Wikimedia's own servers, which allow no more.",
    )
    redirect_hosts: tuple[str, ...] = operational(
        (),
        description="Hosts to which a server may redirect a download; empty: only the same host.",
    )
    largest_unsized_bytes: int = operational(
        4_000_000_000,
        ge=1,
        description="Maximum size of a file if neither its server nor a catalogue states the size, "
        "bytes.",
    )


class SourcesConfig(Config):
    """All sources of a run, and how to reach them."""

    mirror: str | None = operational(
        None,
        description="Folder or URL of a mirror: `<mirror>/<host>/<path>` replaces "
        "`https://<host>/<path>`; null: the original servers.",
    )
    mirrors: Annotated[tuple[str, ...], BeforeValidator(as_list)] = operational(
        (),
        description="Further mirrors, each a folder or a URL. They are asked in this order for a "
        "file that `mirror` cannot serve, or serves with a wrong checksum.",
    )
    lock: str | None = operational(
        None,
        description="File with the sizes and digests of all downloads, written by `xlm sources "
        "lock`; other bytes are refused. null: the file `NAME.lock.yaml` next to the profile "
        "`NAME.yaml`, if there is one.",
    )
    network: NetworkConfig = operational(
        NetworkConfig(), description="Timeouts, retries and limits of downloads."
    )
    wikipedia: WikipediaSource | None = Field(
        default=WikipediaSource(),
        description="Wikipedia dumps, monolingual text (paper section 5.1); null: none.",
    )
    text: tuple[OwnText, ...] = added(
        (),
        description="Your own monolingual text; the sources of a language are joined in this "
        "order, after its Wikipedia.",
    )
    parallel: tuple[ParallelCorpus, ...] = Field(
        default=(), description="Parallel corpora; the corpora of a pair are joined in this order."
    )
    xnli: ArchiveSource = Field(
        default=_XNLI,
        description="Development and test sets of XNLI in 15 languages; used if classify.task is "
        "xnli.",
    )
    multinli: ArchiveSource = Field(
        default=_MULTINLI,
        description="Training pairs of MultiNLI and their translations (XNLI-MT).",
    )
    pawsx: ArchiveSource = Field(
        default=_PAWSX, description="PAWS-X in 7 languages; used if classify.task is pawsx."
    )
    official_codes: ArchiveSource = Field(
        default=_OFFICIAL_CODES, description="Published merges; used if bpe.source is official."
    )
    official_vocabulary: ArchiveSource = Field(
        default=_OFFICIAL_VOCABULARY,
        description="Published vocabulary; used if bpe.source is official.",
    )
    max_pairs: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of lines of each corpus of a pair, from its start; null: all.",
    )
    max_bad_lines: float = operational(
        0.01,
        ge=0,
        le=1,
        description="Fraction of the lines of a parallel text that may contain invalid UTF-8 or "
        "NUL; more is an error. Invalid bytes become U+FFFD.",
    )
    max_train_rows: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of training rows of XNLI or PAWS-X per language, from the "
        "start; null: all (MultiNLI: 392,702).",
    )
    max_eval_rows: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of dev and test rows of XNLI or PAWS-X per language and split, "
        "from the start; null: all.",
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

    @field_validator("mirrors")
    @classmethod
    def _are_folders_or_urls(cls, mirrors: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(require_mirror, mirrors))

    @model_validator(mode="after")
    def _distinct_ids(self) -> "SourcesConfig":
        # Own sources of different languages or pairs may share a name.
        names = [(f"{one.name} of {one.language}", one.name, "text") for one in self.text]
        for corpus in self.parallel:
            of = f" of {corpus.pair}" if isinstance(corpus, OwnSource) else ""
            names.append((f"{corpus.id}{of}", corpus.id, "parallel"))
        public = {one.id for one in self.parallel if not isinstance(one, OwnSource)}
        ids = [full for full, _, _ in names]
        for full, name, section in names:
            is_taken = name in RESERVED_IDS or (full != name and name in public)
            if ids.count(full) > 1 or is_taken:
                raise ConfigError(
                    f"sources.{section}: the id {name!r} is used more than once",
                    fix=f"give one of them another name, e.g. name: {name}_2",
                )
        return self

    @property
    def all_mirrors(self) -> tuple[str, ...]:
        """The mirrors in the order in which they are asked; empty: the original servers."""
        first = (self.mirror,) if self.mirror is not None else ()
        return tuple(dict.fromkeys((*first, *self.mirrors)))

    def own_text(self, language: str) -> tuple[OwnText, ...]:
        """The user's own text of a language, in the order in which it is joined."""
        return tuple(source for source in self.text if source.language == language)

    def own_files(self) -> Iterator[tuple[OwnText | OwnPair, SourceFile]]:
        """All files of the user's own text and pairs."""
        for text in self.text:
            yield from ((text, file) for file in text.files)
        for corpus in self.parallel:
            if not isinstance(corpus, OpusCorpus | PlainCorpus):
                yield from ((corpus, file) for file in corpus.files)

    def wikipedias(self, languages: Sequence[str], table: Languages = TABLE) -> tuple[str, ...]:
        """The languages with text of a Wikipedia, in the order of `languages`."""
        if self.wikipedia is None:
            return ()
        chosen = self.wikipedia.languages
        return tuple(
            code for code in languages if (table[code].wiki if chosen == "all" else code in chosen)
        )

    def corpora_of(self, pair: str) -> tuple[ParallelCorpus, ...]:
        """The corpora that contain a pair, in the order in which they are joined."""
        with_english = ENGLISH in split_pair(pair)
        return tuple(
            c for c in self.parallel if (with_english if c.pairs == "all" else pair in c.pairs)
        )

    def pairs(self, languages: Sequence[str]) -> tuple[str, ...]:
        """The pairs of these languages that a corpus contains, alphabetical."""
        pairs = (f"{a}-{b}" for a, b in combinations(sorted(languages), 2))
        return tuple(pair for pair in pairs if self.corpora_of(pair))

    def downloads_of(self, pair: str) -> tuple[str, ...]:
        """The ids of the downloads of a pair."""
        other = other_language(pair)
        ids: list[str] = []
        for corpus in self.corpora_of(pair):
            if isinstance(corpus, OpusCorpus):
                ids.append(f"{corpus.id}.{pair}")
            elif isinstance(corpus, PlainCorpus):
                ids += [f"{corpus.id}.{part}" for part in (ENGLISH, other)]
            else:
                ids += [file.download for file in corpus.files if file.download]
        return tuple(ids)

    def downloads_of_text(self, language: str) -> tuple[str, ...]:
        """The ids of the downloads of the user's own text of a language."""
        files = (file for source in self.own_text(language) for file in source.files)
        return tuple(file.download for file in files if file.download)

    def archive_of(self, download_id: str) -> ArchiveSource | None:
        """The archive with this download id, or None for the id of a corpus."""
        return {
            XNLI_ID: self.xnli,
            MULTINLI_ID: self.multinli,
            PAWSX_ID: self.pawsx,
            OFFICIAL_CODES_ID: self.official_codes,
            OFFICIAL_VOCABULARY_ID: self.official_vocabulary,
        }.get(download_id)

    def download_ids(self, languages: Sequence[str], table: Languages = TABLE) -> tuple[str, ...]:
        """The unique ids of the downloads of text and pairs, in the order of the DAG."""
        ids = [f"{WIKIPEDIA_ID}.{code}" for code in self.wikipedias(languages, table)]
        for code in languages:
            ids += self.downloads_of_text(code)
        for pair in self.pairs(languages):
            ids += self.downloads_of(pair)
        return tuple(dict.fromkeys(ids))
