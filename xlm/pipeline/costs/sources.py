"""Sizes of downloads before they are downloaded, and where each size comes from.

A size is that of the lock, of the file in a mirror's folder or of the OPUS catalogue. Otherwise it
is assumed: `dump_sizes.json` has the sizes of 15 Wikipedias, other files count as small.
"""

import json
import math
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from xlm.config.data.downloads import FileSpec, WikipediaSpec, spec_of
from xlm.config.data.own.pairs import OwnPair
from xlm.config.pipeline import PipelineConfig
from xlm.corpus.http.mirror import folder_of
from xlm.corpus.local_files import find_files
from xlm.corpus.sources.lock import read_lock
from xlm.corpus.sources.mirrors import present_in_folder
from xlm.corpus.sources.resolve import resolve_download
from xlm.errors import ConfigError
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.make_world import MIRROR

DUMP_SIZES = Path(__file__).with_name("dump_sizes.json")
OTHER_WIKIPEDIA_BYTES = 300_000_000
OTHER_BYTES = 20_000_000
TEXT_BYTES = 1_000_000
"""A text file of one language, as NTREX has them."""
_TEXT_ENDINGS = (".txt", ".tsv")
ROW_BYTES = 400
"""A pair of sentences, or a row of a task."""
SYNTHETIC_BYTES = 100_000

SizeOrigin = Literal["lock", "mirror", "catalogue", "assumed", "synthetic"]
EXACT_ORIGINS: frozenset[SizeOrigin] = frozenset({"lock", "mirror"})
"""Sizes in the OPUS catalogue are approximate."""


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
    mirrors = config.sources.all_mirrors
    server = next((mirror for mirror in mirrors if folder_of(mirror) is None), download.url)
    host = urlsplit(server).hostname or ""
    if config.sources.lock is not None:
        locked = read_lock(Path(config.sources.lock)).downloads.get(unit)
        is_part = _head_bytes(config, unit) is not None
        if (
            locked is not None
            and locked.url == download.url
            and (locked.first_bytes is not None) == is_part
        ):
            return SourceSize(locked.size_bytes, "lock", host)
    if (path := present_in_folder(mirrors, download.url)) is not None:
        head_bytes = _head_bytes(config, unit)
        size_bytes = path.stat().st_size
        return SourceSize(
            size_bytes if head_bytes is None else min(size_bytes, head_bytes), "mirror", ""
        )
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


def most_bytes(config: PipelineConfig, stage: str, inputs: int) -> float:
    """The most that a node may write by the limits of rows in the configuration.

    Args:
        stage: the stage of the node.
        inputs: the number of nodes that it reads.
    """
    sources = config.sources
    if stage == "extract-parallel" and sources.max_pairs is not None:
        return sources.max_pairs * ROW_BYTES * max(1, inputs)
    train, held_out = sources.max_train_rows, sources.max_eval_rows
    if stage in ("extract-xnli", "extract-labelled") and train is not None and held_out is not None:
        return (train + 2 * held_out) * ROW_BYTES
    return math.inf


def _assumed(config: PipelineConfig, unit: str) -> int:
    spec = spec_of(config.sources, unit, config.table)
    if isinstance(spec, WikipediaSpec):
        return _dump_sizes().get(spec.wiki, OTHER_WIKIPEDIA_BYTES)
    is_text = isinstance(spec, FileSpec) and urlsplit(spec.url).path.endswith(_TEXT_ENDINGS)
    return TEXT_BYTES if is_text else OTHER_BYTES


def _head_bytes(config: PipelineConfig, unit: str) -> int | None:
    """How many bytes of a dump are downloaded; None: all of the file."""
    spec = spec_of(config.sources, unit, config.table)
    return spec.head_bytes if isinstance(spec, WikipediaSpec) else None


@cache
def _dump_sizes() -> dict[str, int]:
    """Bytes of the multistream dump of each Wikipedia."""
    values: dict[str, dict[str, int]] = json.loads(DUMP_SIZES.read_bytes())
    return values["bytes"]
