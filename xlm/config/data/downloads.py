"""From the configuration to one download: which kind of source, where, under which licence.

    spec_of(sources, "tatoeba.en-sw")   # OpusSpec(corpus="Tatoeba", codes=(("en", "eng"), ...))

A spec holds what decides the bytes; it is the heart of a download's key. Nothing here reads a disk
or a network: OPUS URLs are looked up later (`resolve.py`).
"""

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import Field

from xlm.config.data.corpora import OpusCorpus, PlainCorpus
from xlm.config.data.sources import WIKIPEDIA_ID, NetworkConfig, SourcesConfig
from xlm.config.languages.pairs import ENGLISH, language, split_pair
from xlm.config.reading.urls import CODE, file_name
from xlm.engine.config import Config, operational
from xlm.errors import ConfigError

DUMPS_URL = "https://dumps.wikimedia.org"


class WikipediaSpec(Config):
    """The multistream dump of one wiki at one date, whole or its head."""

    kind: Literal["wikipedia"] = "wikipedia"
    title: str
    licence: str
    wiki: str
    date: str
    head_bytes: int | None

    @property
    def url(self) -> str:
        """Where the host keeps the dump."""
        return f"{self.folder}/{self.wiki}-{self.date}-pages-articles-multistream.xml.bz2"

    @property
    def folder(self) -> str:
        """Where the host keeps the dump, its checksums and its status."""
        return f"{DUMPS_URL}/{self.wiki}/{self.date}"


class OpusSpec(Config):
    """The Moses zip of one pair of an OPUS release."""

    kind: Literal["opus"] = "opus"
    title: str
    licence: str
    corpus: str
    version: str
    pair: str
    codes: tuple[tuple[str, ...], tuple[str, ...]]
    """Of both languages of the pair, the codes under which OPUS may file them."""
    catalogue: str
    """The catalogue that gives the URL."""


class FileSpec(Config):
    """One file at a known URL."""

    kind: Literal["file"] = "file"
    title: str
    licence: str
    address: str
    size_bytes: int | None = operational(None, description="About how large it is at its server.")

    @property
    def url(self) -> str:
        """The URL of the file; the field is part of every key and keeps its name."""
        return self.address

    @property
    def file_name(self) -> str:
        """The name under which a download leaves it."""
        return file_name(self.url)


Spec = Annotated[WikipediaSpec | OpusSpec | FileSpec, Field(discriminator="kind")]


def spec_of(sources: SourcesConfig, download_id: str) -> Spec:
    """The spec of a download by its id, e.g. `wikipedia.sw`, `ntrex.en`, `multiun.ar-en`, `xnli`.

    Raises:
        ConfigError: no source of the configuration has that id.
    """
    name, _, part = download_id.partition(".")
    if name == WIKIPEDIA_ID:
        return _wikipedia(sources, part)
    if archive := sources.archive_of(download_id):
        return FileSpec(
            title=archive.title,
            licence=archive.licence,
            address=archive.address,
            size_bytes=archive.size_bytes,
        )
    for corpus in sources.parallel:
        if corpus.id == name:
            return _opus(corpus, part) if corpus.kind == "opus" else _plain(corpus, part)
    raise ConfigError(f"no source has the id {download_id!r}", fix="see the ids with `xlm plan`")


def _wikipedia(sources: SourcesConfig, code: str) -> WikipediaSpec:
    entry = language(code)
    return WikipediaSpec(
        title=f"Wikipedia ({entry.name})",
        licence=sources.wikipedia.licence,
        wiki=f"{entry.wiki}wiki",
        date=sources.wikipedia.date,
        head_bytes=sources.wikipedia.head_bytes,
    )


def _opus(corpus: OpusCorpus, pair: str) -> OpusSpec:
    first, second = split_pair(pair)
    return OpusSpec(
        title=f"{corpus.corpus} {corpus.version} {pair} (OPUS)",
        licence=corpus.licence,
        corpus=corpus.corpus,
        version=corpus.version,
        pair=pair,
        codes=(language(first).opus, language(second).opus),
        catalogue=f"opustools {version('opustools')}",
    )


def _plain(corpus: PlainCorpus, code: str) -> FileSpec:
    entry = language(code)
    theirs = entry.ntrex if corpus.codes == "ntrex" else entry.code
    url = corpus.english if code == ENGLISH else corpus.other.replace(CODE, theirs)
    return FileSpec(title=f"{corpus.title} ({entry.name})", licence=corpus.licence, address=url)


class PairPart(Config):
    """One corpus of a pair: the downloads that hold it, and how to read them."""

    kind: Literal["moses", "plain"]
    downloads: tuple[str, ...]
    """Ids: of the zip, or of the two text files in the order of the pair's languages."""
    codes: tuple[tuple[str, ...], tuple[str, ...]]
    """Of both languages, the endings that the zip's members may have."""
    files: tuple[str, ...] = operational(
        (), description="Names of two text files; each is in the digest of its download."
    )


def parts_of(sources: SourcesConfig, pair: str) -> tuple[PairPart, ...]:
    """How each corpus of a pair is read, in the order in which they are joined."""
    first, second = split_pair(pair)
    codes = (language(first).opus, language(second).opus)
    parts = []
    for corpus in sources.corpora_of(pair):
        if corpus.kind == "opus":
            part = PairPart(kind="moses", downloads=(f"{corpus.id}.{pair}",), codes=codes)
        else:
            ids = (f"{corpus.id}.{first}", f"{corpus.id}.{second}")
            names = tuple(_plain(corpus, code).file_name for code in (first, second))
            part = PairPart(kind="plain", downloads=ids, codes=codes, files=names)
        parts.append(part)
    return tuple(parts)


class DownloadSlice(Config):
    """What decides the bytes of one download, and how to reach its host."""

    source: Spec
    mirrored: bool
    mirror: str | None = operational(None, description="Folder or URL of the mirror.")
    network: NetworkConfig = operational(NetworkConfig(), description="Timeouts and retries.")


class ExtractParallelSlice(Config):
    """Which corpora make up one pair, and how much of each is taken."""

    languages: tuple[str, str]
    parts: tuple[PairPart, ...]
    max_pairs: int | None
    max_bad_lines: float = operational(
        0.01, description="Share of a text's lines that may be damaged; more are an error."
    )
