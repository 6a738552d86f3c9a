"""Stage split: assign the extracted lines to train, valid and test."""

from collections.abc import Mapping

from xlm.config.data.split import SplitSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.data.corpus_text import TEXT, extracted_text, is_cleaned, text_folders
from xlm.stages.units import corpus_units, languages_of_unit


def _slice(config: PipelineConfig, unit: str) -> SplitSlice:
    """The settings of the splits and the languages of the unit."""
    return SplitSlice(languages=languages_of_unit(unit), **config.split.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    if is_cleaned(config, unit):
        return {TEXT: Node("clean", unit)}
    return extracted_text(config, unit)


def run(context: StageContext[SplitSlice]) -> StageResult:
    """Write `{split}.{shard}.txt`, or `{split}.{shard}.{language}.txt` for each side of a pair."""
    from xlm.corpus.split.split import split

    return split(context, text_folders(context.inputs))


SPLIT = Stage(
    name="split",
    version=1,
    summary="assign lines to train, valid and test, without overlap",
    units=corpus_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
)
