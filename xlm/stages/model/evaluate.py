"""Stage evaluate: accuracy, perplexity and retrieval in every language, with baselines.

`out` gets `results.json` (every figure and how it was computed) and `xnli.tsv` (the table).
"""

from collections.abc import Mapping, Sequence

from xlm.config.pipeline import PipelineConfig
from xlm.config.training.xnli import EvaluateSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.shard_inputs import data_inputs, data_nodes
from xlm.stages.units import require_english


def _units(config: PipelineConfig) -> Sequence[str]:
    return (ALL,)


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {
        "pretrain": Node("pretrain", ALL),
        "finetune": Node("finetune", ALL),
        "vocabulary": Node("vocabulary", ALL),
        **data_nodes(config, "mono", "pair", "xnli"),
    }


def _slice(config: PipelineConfig, unit: str) -> EvaluateSlice:
    return EvaluateSlice(
        languages=tuple(config.languages),
        stream_tokens=config.pretrain.stream_tokens,
        specials=config.pretrain.scores_special_tokens,
        evaluate=config.evaluate,
    )


def run(context: StageContext[EvaluateSlice]) -> StageResult:
    """Measure both models in a process group and write the tables."""
    from xlm.xnli.launch.driver import evaluate

    return evaluate(
        context,
        encoder=context.inputs["pretrain"],
        classifier=context.inputs["finetune"],
        vocabulary=context.inputs["vocabulary"],
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
        xnli=data_inputs(context.inputs, "xnli"),
    )


EVALUATE = Stage(
    name="evaluate",
    version=4,
    summary="XNLI table, perplexities, sentence retrieval, baselines",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    require=require_english("evaluate"),
    tools=("torch", "numpy"),
)
