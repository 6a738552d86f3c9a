"""vocabulary: count the pieces of the train splits, number them, cut, report per language."""

from collections.abc import Mapping

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stages.stage import ALL, Node, Outcome, Stage, Work
from xlm.stages.units import corpus_units


class VocabularySlice(Config):
    """Where the counted list is cut."""

    size: int
    min_count: int


def vocabulary_slice(config: PipelineConfig, unit: str) -> VocabularySlice:
    """All of the vocabulary config."""
    return VocabularySlice(**config.vocabulary.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("apply-bpe", name) for name in corpus_units(config)}


def run(work: Work[VocabularySlice]) -> Outcome:
    """Write `vocabulary.txt` (all counts), `vocabulary.json` (the cut), `report.json`."""
    from xlm.bpe.counting import build_vocabulary

    return build_vocabulary(work)


VOCABULARY = Stage(
    name="vocabulary",
    version=1,
    summary="count pieces, give them ids, cut to size",
    units=lambda config: (ALL,),
    upstream=_upstream,
    slice=vocabulary_slice,
    run=run,
)
