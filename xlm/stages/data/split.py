"""Stage split: assign the extracted lines to train, valid and test."""

from collections.abc import Mapping

from xlm.config.data.split import SplitSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.units import corpus_units, kind_of_unit, languages_of_unit

TEXT = "text"
OWN_TEXT = "own_text"
"""Role of the user's own text, if the language also has a Wikipedia."""


def _slice(config: PipelineConfig, unit: str) -> SplitSlice:
    """The settings of the splits and the languages of the unit."""
    return SplitSlice(languages=languages_of_unit(unit), **config.split.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    if kind_of_unit(unit) == "pair":
        return {TEXT: Node("extract-parallel", unit)}
    stages = ["extract-wiki"] if config.sources.wikipedias((unit,), config.table) else []
    stages += ["extract-text"] if config.sources.own_text(unit) else []
    return {role: Node(stage, unit) for role, stage in zip((TEXT, OWN_TEXT), stages, strict=False)}


def run(context: StageContext[SplitSlice]) -> StageResult:
    """Write `{split}.{shard}.txt`, or `{split}.{shard}.{language}.txt` for each side of a pair."""
    from xlm.corpus.split.split import split

    texts = [context.inputs[role] for role in (TEXT, OWN_TEXT) if role in context.inputs]
    return split(context, texts)


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
