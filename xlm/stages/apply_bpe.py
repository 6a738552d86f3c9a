"""apply-bpe[language | pair | xnli.language]: tokens to subword pieces."""

from collections.abc import Mapping

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stages.stage import ALL, Node, Outcome, Stage, Work
from xlm.stages.units import text_units


class ApplyBpeSlice(Config):
    """Nothing but the inputs shapes the pieces."""


def apply_bpe_slice(config: PipelineConfig, unit: str) -> ApplyBpeSlice:
    """Empty."""
    return ApplyBpeSlice()


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {"text": Node("tokenize", unit), "codes": Node("learn-bpe", ALL)}


def run(work: Work[ApplyBpeSlice]) -> Outcome:
    """Apply the codes to every file of the input under the same name."""
    from xlm.bpe.apply import apply_directory

    return apply_directory(work)


APPLY_BPE = Stage(
    name="apply-bpe",
    version=1,
    summary="split words into the pieces of the codes",
    units=text_units,
    upstream=_upstream,
    slice=apply_bpe_slice,
    run=run,
    tools=("fastBPE",),
)
