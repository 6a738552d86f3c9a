"""Lists the downloads of a run with their URLs, without a network, for `xlm plan`.

for download in resolve_downloads(sources, ("en", "sw"), cache=Path("data/cache")):
    print(download.id, download.url, download.licence, download.size_text)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.config.data.corpora import UNKNOWN_LICENCE
from xlm.config.data.downloads import Spec, spec_of
from xlm.config.data.sources import SourcesConfig
from xlm.config.languages.declared import TABLE, Languages
from xlm.corpus.parallel.opus_catalogue import find_moses
from xlm.corpus.parallel.opus_corpora import known_corpus
from xlm.display.markdown import format_size

UNKNOWN_SIZE = "unknown until online"


@dataclass(frozen=True)
class Download:
    """One file that a run downloads, as far as it is known offline."""

    id: str
    title: str
    corpus: str
    """Name of the corpus, without release and language."""
    version: str
    """Release or date; empty if there is none."""
    url: str
    licence: str
    citation: str
    """The publication to cite; empty if it is not known."""
    pairs: int | None
    """Lines of a parallel corpus; None if they are not known offline."""
    size_bytes: int | None
    """From the catalogue or the configuration, never from a mirror; None: unknown offline."""
    size_is: str
    """`about`, `at most`, or `unknown`."""
    checksum: str
    """How the bytes are verified."""

    @property
    def size_text(self) -> str:
        """The size for a table, e.g. `about 1.0 GB`."""
        if self.size_bytes is None:
            return UNKNOWN_SIZE
        return f"{self.size_is} {format_size(self.size_bytes)}"


def resolve_downloads(
    sources: SourcesConfig, languages: Sequence[str], cache: Path, table: Languages = TABLE
) -> list[Download]:
    """All downloads in the order of the DAG.

    Args:
        cache: folder for the unpacked OPUS catalogue.

    Raises:
        ConfigError: OPUS does not have a configured corpus, release or pair.
    """
    return [
        resolve_download(sources, download_id, cache, table)
        for download_id in sources.download_ids(languages, table)
    ]


def resolve_download(
    sources: SourcesConfig, download_id: str, cache: Path, table: Languages = TABLE
) -> Download:
    """One download by its id; see `resolve_downloads`."""
    spec = spec_of(sources, download_id, table)
    known_bytes: int | None = None
    pairs: int | None = None
    corpus, version, licence = spec.title, "", spec.licence
    size_is, checksum = "unknown", "sha256 recorded"
    if spec.kind == "opus":
        found = find_moses(cache, spec.corpus, spec.version, spec.codes)
        url, known_bytes, size_is = found.url, found.size_bytes, "about"
        corpus, version, pairs = spec.corpus, spec.version, found.pairs
        if licence == UNKNOWN_LICENCE:
            licence = known_corpus(spec.corpus).licence_text
    elif spec.kind == "wikipedia":
        url, known_bytes, size_is = spec.url, spec.head_bytes, "at most"
        version = spec.date
        checksum = "sha1 and md5 of the server"
        if spec.head_bytes is not None:
            checksum += ", if the file is shorter; else complete streams"
    else:
        url, size_is = spec.url, "about"
        archive = sources.archive_of(download_id)
        known_bytes = archive.size_bytes if archive else None
    return Download(
        id=download_id,
        title=spec.title,
        corpus=corpus,
        version=version,
        url=url,
        licence=licence,
        citation=citation_of(spec),
        pairs=pairs,
        size_bytes=known_bytes,
        size_is=size_is if known_bytes is not None else "unknown",
        checksum=checksum,
    )


def citation_of(spec: Spec) -> str:
    """The publication to cite for a download; empty if it is not known."""
    if spec.kind == "opus":
        return known_corpus(spec.corpus).citation
    return spec.citation if spec.kind == "file" else ""
