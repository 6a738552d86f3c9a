"""Stage download: download one file of one source and verify it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlm.config.data.downloads import DownloadSlice, spec_of
from xlm.config.data.sources import MULTINLI_ID, OFFICIAL_IDS, PAWSX_ID, XNLI_ID
from xlm.config.data.tasks import FilesTask, PawsxTask
from xlm.config.pipeline import PipelineConfig, source_of_subwords, text_languages
from xlm.engine.stage import ALL, Node, Preview, Stage, StageContext, StageResult
from xlm.stages.data.make_world import MIRROR
from xlm.stages.units import task_languages

SYNTHETIC_LICENCE = "Apache-2.0"


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each file of each source: `wikipedia.sw`, `ntrex.en`, `tatoeba.en-sw`, ..."""
    ids = config.sources.download_ids(text_languages(config), config.table) + _task_ids(config)
    is_official = config.bpe.source == "official" and source_of_subwords(config) is None
    return ids + OFFICIAL_IDS if is_official else ids


def _task_ids(config: PipelineConfig) -> tuple[str, ...]:
    """The downloads of the classification task."""
    if not task_languages(config) or isinstance(config.classify, FilesTask):
        return ()
    return (PAWSX_ID,) if isinstance(config.classify, PawsxTask) else (XNLI_ID, MULTINLI_ID)


def _slice(config: PipelineConfig, unit: str) -> DownloadSlice:
    """The source of the unit. The key contains whether there are mirrors, not which."""
    source = spec_of(config.sources, unit, config.table)
    synthetic = _is_synthetic(config, unit)
    if synthetic:
        update = {"licence": SYNTHETIC_LICENCE, "title": f"{source.title}, synthetic sample"}
        source = source.model_copy(update=update)
    return DownloadSlice(
        source=source,
        mirrored=synthetic or bool(config.sources.all_mirrors),
        mirrors=() if synthetic else config.sources.all_mirrors,
        lock=None if synthetic else config.sources.lock,
        network=config.sources.network,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {MIRROR: Node("make-world", ALL)} if _is_synthetic(config, unit) else {}


def _is_synthetic(config: PipelineConfig, unit: str) -> bool:
    """Whether the sample world provides the file; it has no published merges and vocabulary."""
    return config.sample is not None and unit not in OFFICIAL_IDS


def run(context: StageContext[DownloadSlice]) -> StageResult:
    """Download the file to `out` under the name that it has on its server."""
    from xlm.corpus.sources.download import download

    world = context.inputs.get(MIRROR)
    return download(context, (str(world / MIRROR),) if world else context.config.mirrors)


def _stale(config: DownloadSlice, manifest: Mapping[str, Any]) -> str | None:
    from xlm.corpus.sources.lock import changed_since_lock
    from xlm.corpus.sources.mirrors import changed_in_mirrors

    reason = changed_since_lock(Path(config.lock), manifest) if config.lock else None
    return reason or changed_in_mirrors(config.mirrors, manifest)


def _require(config: PipelineConfig) -> None:
    """Refuse a lock that cannot be read, before anything is downloaded."""
    from xlm.corpus.sources.lock import read_lock

    if config.sources.lock is not None:
        read_lock(Path(config.sources.lock))


def _preview(config: PipelineConfig, unit: str, cache: Path) -> Preview:
    from xlm.corpus.sources.resolve import resolve_download

    found = resolve_download(config.sources, unit, cache, config.table)
    return Preview((found.url,), found.size_text)


DOWNLOAD = Stage(
    name="download",
    version=1,
    summary="download and verify dumps, parallel corpora and classification data",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    network=True,
    stale=_stale,
    require=_require,
    preview=_preview,
)
