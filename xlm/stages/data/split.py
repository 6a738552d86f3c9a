"""split[language | pair]: extracted lines to train, valid and test."""

from collections.abc import Mapping, Sequence

from xlm.config.data.split import SplitSlice
from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult

TEXT = "text"


def split_units(config: PipelineConfig) -> Sequence[str]:
    """Languages, then pairs."""
    return (*config.languages, *config.sources.pairs(config.languages))


def split_slice(config: PipelineConfig, unit: str) -> SplitSlice:
    """The split's settings and the unit's languages."""
    languages = split_pair(unit) if "-" in unit else (unit,)
    return SplitSlice(languages=languages, **config.split.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {TEXT: Node("extract-parallel" if "-" in unit else "extract-wiki", unit)}


def run(context: StageContext[SplitSlice]) -> StageResult:
    """Write `{split}.{shard}.txt`, or `{split}.{shard}.{language}.txt` for both of a pair."""
    from xlm.corpus.split.divide import split

    return split(context, context.inputs[TEXT])


SPLIT = Stage(
    name="split",
    version=1,
    summary="train, valid and test; no sentence on two sides",
    units=split_units,
    upstream=_upstream,
    slice=split_slice,
    run=run,
)
