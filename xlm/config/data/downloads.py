"""Specifications of single downloads, derived from the sources; the slices of their stages.

    spec_of(sources, "tatoeba.en-sw")   # OpusSpec(corpus="Tatoeba", codes=(("en", "eng"), ...))

A spec contains the values that determine the downloaded bytes, and is part of the key. This module
reads neither files nor the network: `xlm/corpus/sources/resolve.py` looks up the URLs of OPUS.
"""

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import Field

from xlm.config.data.corpora import LATEST, OpusCorpus, PlainCorpus
from xlm.config.data.own.parts import Part
from xlm.config.data.sources import WIKIPEDIA_ID, NetworkConfig, SourcesConfig
from xlm.config.languages.declared import TABLE, Languages
from xlm.config.languages.pairs import ENGLISH, split_pair
from xlm.config.reading.urls import CODE, file_name
from xlm.engine.config import Config, operational
from xlm.errors import ConfigError

DUMPS_URL = "https://dumps.wikimedia.org"


class WikipediaSpec(Config):
    """The multistream dump of one Wikipedia, complete or its first bytes."""

    kind: Literal["wikipedia"] = "wikipedia"
    title: str
    licence: str
    wiki: str
    date: str
    head_bytes: int | None

    @property
    def url(self) -> str:
        """URL of the dump."""
        return f"{self.folder}/{self.wiki}-{self.date}-pages-articles-multistream.xml.bz2"

    @property
    def folder(self) -> str:
        """URL of the folder of the dump, its checksums and its status."""
        return f"{DUMPS_URL}/{self.wiki}/{self.date}"


class OpusSpec(Config):
    """The Moses zip of one pair in an OPUS release."""

    kind: Literal["opus"] = "opus"
    title: str
    licence: str
    corpus: str
    version: str
    pair: str
    codes: tuple[tuple[str, ...], tuple[str, ...]]
    """For each language of the pair, the codes that OPUS may use."""
    catalogue: str
    """Name and version of the catalogue that lists the URL."""


class FileSpec(Config):
    """One file at a known URL."""

    kind: Literal["file"] = "file"
    title: str
    licence: str
    address: str
    size_bytes: int | None = operational(None, description="Approximate size, bytes.")
    citation: str = operational("", description="Publication to cite.")

    @property
    def url(self) -> str:
        """URL of the file. The field `address` is part of keys, so it keeps its name."""
        return self.address

    @property
    def file_name(self) -> str:
        """Name of the downloaded file."""
        return file_name(self.url)


Spec = Annotated[WikipediaSpec | OpusSpec | FileSpec, Field(discriminator="kind")]


def spec_of(sources: SourcesConfig, download_id: str, table: Languages = TABLE) -> Spec:
    """Look up the spec of a download id: `wikipedia.sw`, `ntrex.en`, `multiun.ar-en`, `xnli`.

    Raises:
        ConfigError: no source has this id.
    """
    name, _, part = download_id.partition(".")
    if name == WIKIPEDIA_ID:
        return _wikipedia(sources, part, table)
    if archive := sources.archive_of(download_id):
        return FileSpec(
            title=archive.title,
            licence=archive.licence,
            address=archive.url,
            size_bytes=archive.size_bytes,
            citation=archive.citation,
        )
    for corpus in sources.parallel:
        if isinstance(corpus, OpusCorpus) and corpus.id == name:
            return _opus(corpus, part, table)
        if isinstance(corpus, PlainCorpus) and corpus.id == name:
            return _plain(corpus, part, table)
    for source, file in sources.own_files():
        if file.download == download_id:
            title = source.title or source.name
            return FileSpec(title=title, licence=source.licence, address=file.location)
    raise ConfigError(f"no source has the id {download_id!r}", fix="`xlm plan` lists the ids")


def _wikipedia(sources: SourcesConfig, code: str, table: Languages) -> WikipediaSpec:
    entry = table[code]
    if sources.wikipedia is None or not entry.wiki:
        raise ConfigError(
            f"no Wikipedia of {code} is configured",
            fix="set sources.wikipedia.date, and `wiki` of a declared language",
        )
    if sources.wikipedia.date == LATEST:
        raise ConfigError(
            "sources.wikipedia.date is latest, but the date is not known here",
            fix="name a date as YYYYMMDD; `xlm run` and `xlm plan` look up the latest one",
        )
    return WikipediaSpec(
        title=f"Wikipedia ({entry.name})",
        licence=sources.wikipedia.licence,
        wiki=f"{entry.wiki}wiki",
        date=sources.wikipedia.date,
        head_bytes=sources.wikipedia.head_bytes,
    )


def _opus(corpus: OpusCorpus, pair: str, table: Languages) -> OpusSpec:
    first, second = split_pair(pair)
    for entry in (table[first], table[second]):
        if not entry.opus:
            raise ConfigError(
                f"sources.parallel: OPUS has no text in {entry.name} ({entry.code})",
                fix=f"list the pairs of {corpus.corpus} in its `pairs`, without {entry.code}",
            )
    return OpusSpec(
        title=f"{corpus.corpus} {corpus.version} {pair} (OPUS)",
        licence=corpus.licence,
        corpus=corpus.corpus,
        version=corpus.version,
        pair=pair,
        codes=(table[first].opus, table[second].opus),
        catalogue=f"opustools {version('opustools')}",
    )


def _plain(corpus: PlainCorpus, code: str, table: Languages) -> FileSpec:
    entry = table[code]
    theirs = entry.ntrex if corpus.codes == "ntrex" else entry.code
    if not theirs and code != ENGLISH:
        raise ConfigError(
            f"sources.parallel: NTREX-128 has no file in {entry.name} ({code})",
            fix=f"list the pairs of {corpus.name} in its `pairs`, without {code}",
        )
    url = corpus.english if code == ENGLISH else corpus.other.replace(CODE, theirs)
    return FileSpec(
        title=f"{corpus.title} ({entry.name})",
        licence=corpus.licence,
        address=url,
        citation=corpus.citation,
    )


class PairPart(Config):
    """One corpus of a pair: its downloads and their format."""

    kind: Literal["moses", "plain"]
    downloads: tuple[str, ...]
    """Ids of the zip, or of the two text files in the order of the pair's languages."""
    codes: tuple[tuple[str, ...], tuple[str, ...]]
    """For each language, the suffixes that the members of the zip may have."""
    files: tuple[str, ...] = operational(
        (), description="Names of the two text files; the digests of the downloads contain them."
    )

    @property
    def name(self) -> str:
        """Name of the corpus, for counts."""
        return self.downloads[0].split(".")[0]


def part_of(corpus: OpusCorpus | PlainCorpus, pair: str, table: Languages = TABLE) -> PairPart:
    """The downloads of a pair in a corpus."""
    first, second = split_pair(pair)
    codes = (table[first].opus, table[second].opus)
    if isinstance(corpus, OpusCorpus):
        return PairPart(kind="moses", downloads=(f"{corpus.id}.{pair}",), codes=codes)
    ids = (f"{corpus.id}.{first}", f"{corpus.id}.{second}")
    names = tuple(_plain(corpus, code, table).file_name for code in (first, second))
    return PairPart(kind="plain", downloads=ids, codes=codes, files=names)


class DownloadSlice(Config):
    """Settings that determine the bytes of one download, and how to reach its server."""

    source: Spec
    mirrored: bool
    mirrors: tuple[str, ...] = operational((), description="Folders or URLs of mirrors.")
    lock: str | None = operational(None, description="File with the digests of downloads.")
    network: NetworkConfig = operational(NetworkConfig(), description="Timeouts and retries.")


class ExtractParallelSlice(Config):
    """Settings that determine the text of one pair."""

    languages: tuple[str, str]
    parts: tuple[PairPart | Part, ...]
    max_pairs: int | None
    max_bad_lines: float = operational(
        0.01, description="Fraction of damaged lines above which extraction fails."
    )
