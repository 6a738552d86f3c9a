"""learn-bpe: one list of merges for all languages, from a balanced sample of the train splits."""

from collections.abc import Mapping
from typing import Literal

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stages.stage import ALL, Node, Outcome, Stage, Work
from xlm.stages.units import corpus_units


class LearnBpeSlice(Config):
    """What shapes the merges."""

    codes: int
    sample_alpha: float
    sample_lines: int | None
    seed: int
    learner: Literal["fastbpe"]


def learn_bpe_slice(config: PipelineConfig, unit: str) -> LearnBpeSlice:
    """All of the BPE config."""
    return LearnBpeSlice(**config.bpe.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("tokenize", name) for name in corpus_units(config)}


def run(work: Work[LearnBpeSlice]) -> Outcome:
    """Sample lines, learn, write `codes`."""
    from xlm.bpe.learn import learn_from_work

    return learn_from_work(work)


LEARN_BPE = Stage(
    name="learn-bpe",
    version=1,
    summary="learn byte-pair codes on a sample with balanced languages",
    units=lambda config: (ALL,),
    upstream=_upstream,
    slice=learn_bpe_slice,
    run=run,
    tools=("fastBPE",),
)
