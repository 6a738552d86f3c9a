"""extract-parallel[pair]: Moses zips and plain text files to two aligned files."""

from collections.abc import Mapping, Sequence

from xlm.config.data.downloads import ExtractParallelSlice, parts_of
from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult


def extract_parallel_units(config: PipelineConfig) -> Sequence[str]:
    """One unit a pair of English and a configured language."""
    return config.sources.pairs(config.languages)


def extract_parallel_slice(config: PipelineConfig, unit: str) -> ExtractParallelSlice:
    """The unit's corpora in the order of the configuration."""
    return ExtractParallelSlice(
        languages=split_pair(unit),
        parts=parts_of(config.sources, unit),
        max_pairs=config.sources.max_pairs,
        max_bad_lines=config.sources.max_bad_lines,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("download", name) for name in config.sources.downloads_of(unit)}


def run(context: StageContext[ExtractParallelSlice]) -> StageResult:
    """Write `text.{language}.txt` for both languages; line i of one is line i of the other."""
    from xlm.corpus.parallel.extract import extract_parallel

    return extract_parallel(context)


EXTRACT_PARALLEL = Stage(
    name="extract-parallel",
    version=2,
    summary="align both sides of the parallel corpora",
    units=extract_parallel_units,
    upstream=_upstream,
    slice=extract_parallel_slice,
    run=run,
)
