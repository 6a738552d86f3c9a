"""Sizes of downloads before they are downloaded, and where each size comes from.

A size is that of the lock, of the file in a mirror's folder or of the OPUS catalogue. Otherwise it
is assumed: `dump_sizes.json` has the sizes of 15 Wikipedias, other files count as small.
"""

import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from xlm.config.data.downloads import WikipediaSpec, spec_of
from xlm.config.data.own.pairs import OwnPair
from xlm.config.pipeline import PipelineConfig
from xlm.corpus.http.mirror import mirror_path
from xlm.corpus.local_files import find_files
from xlm.corpus.sources.lock import read_lock
from xlm.corpus.sources.resolve import resolve_download
from xlm.errors import ConfigError
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.make_world import MIRROR
from xlm.store.integrity.presence import is_present

DUMP_SIZES = Path(__file__).with_name("dump_sizes.json")
OTHER_WIKIPEDIA_BYTES = 300_000_000
OTHER_BYTES = 20_000_000
SYNTHETIC_BYTES = 100_000

SizeOrigin = Literal["lock", "mirror", "catalogue", "assumed", "synthetic"]


class SourceSize(NamedTuple):
    """The size of a download."""

    size_bytes: int
    origin: SizeOrigin
    host: str
    """The server that it comes from; empty if nothing is transferred."""


def source_size(config: PipelineConfig, unit: str, cache: Path) -> SourceSize:
    """The size of one download that is not in the store.

    Raises:
        ConfigError: OPUS does not have a configured corpus, or the lock cannot be read.
    """
    if MIRROR in DOWNLOAD.upstream(config, unit):
        return SourceSize(SYNTHETIC_BYTES, "synthetic", "")
    download = resolve_download(config.sources, unit, cache, config.table)
    mirror = config.sources.mirror
    host = urlsplit(mirror if mirror and "://" in mirror else download.url).hostname or ""
    if config.sources.lock is not None:
        locked = read_lock(Path(config.sources.lock)).downloads.get(unit)
        if locked is not None and locked.url == download.url:
            return SourceSize(locked.size_bytes, "lock", host)
    if mirror is not None and "://" not in mirror:
        path = mirror_path(mirror, download.url)
        if path is not None and is_present(path):
            return SourceSize(path.stat().st_size, "mirror", "")
    if download.size_bytes is not None:
        spec = spec_of(config.sources, unit, config.table)
        if not isinstance(spec, WikipediaSpec):
            return SourceSize(download.size_bytes, "catalogue", host)
        # A part of a dump: at most the whole of it.
        return SourceSize(min(download.size_bytes, _assumed(config, unit)), "assumed", host)
    return SourceSize(_assumed(config, unit), "assumed", host)


def own_bytes(config: PipelineConfig, stage: str, unit: str) -> int:
    """Bytes of the user's local files that a node reads; missing files count as empty."""
    total = 0
    for source, file in config.sources.own_files():
        is_pair = isinstance(source, OwnPair)
        reader = "extract-parallel" if is_pair else "extract-text"
        name = source.pair if isinstance(source, OwnPair) else source.language
        if not file.download and (reader, name) == (stage, unit):
            with suppress(ConfigError, OSError):
                total += sum(one.stat().st_size for one in find_files(file.location, source.name))
    return total


def _assumed(config: PipelineConfig, unit: str) -> int:
    spec = spec_of(config.sources, unit, config.table)
    if isinstance(spec, WikipediaSpec):
        return _dump_sizes().get(spec.wiki, OTHER_WIKIPEDIA_BYTES)
    return OTHER_BYTES


@cache
def _dump_sizes() -> dict[str, int]:
    """Bytes of the multistream dump of each Wikipedia."""
    values: dict[str, dict[str, int]] = json.loads(DUMP_SIZES.read_bytes())
    return values["bytes"]
