"""Stage extract-parallel: join the parallel corpora of a pair to two aligned text files."""

from collections.abc import Mapping, Sequence

from xlm.config.data.downloads import ExtractParallelSlice
from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig, pairs
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.data.own_parts import pair_parts, require_own_pairs


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each pair that has a parallel corpus."""
    return pairs(config)


def _slice(config: PipelineConfig, unit: str) -> ExtractParallelSlice:
    """The corpora of the unit, in the order of the configuration."""
    return ExtractParallelSlice(
        languages=split_pair(unit),
        parts=pair_parts(config, unit),
        max_pairs=config.sources.max_pairs,
        max_bad_lines=config.sources.max_bad_lines,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("download", name) for name in config.sources.downloads_of(unit)}


def run(context: StageContext[ExtractParallelSlice]) -> StageResult:
    """Write `text.{language}.txt` for both languages, aligned line by line."""
    from xlm.corpus.parallel.extract import extract_parallel

    return extract_parallel(context)


EXTRACT_PARALLEL = Stage(
    name="extract-parallel",
    version=2,
    summary="join parallel corpora to aligned text",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    require=require_own_pairs,
)
