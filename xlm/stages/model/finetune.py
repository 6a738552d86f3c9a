"""Stage finetune: the pretrained encoder learns XNLI from English pairs.

`out` gets `model.safetensors` (encoder and classifier), `config.json`, `attempts.json` (every
restart with its dev accuracies) and `metrics.jsonl`.
"""

from collections.abc import Mapping, Sequence

from xlm.config.languages.pairs import ENGLISH
from xlm.config.pipeline import PipelineConfig
from xlm.config.training.xnli import FinetuneSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.shard_inputs import data_inputs, data_nodes, pretraining_nodes
from xlm.stages.units import XNLI_PREFIX, require_english


def _units(config: PipelineConfig) -> Sequence[str]:
    return (ALL,)


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    nodes = {"pretrain": Node("pretrain", ALL), "vocabulary": Node("vocabulary", ALL)}
    xnli = data_nodes(config, "xnli")
    if config.finetune.select_by == "english":
        # Only the labels that selection may see are inputs, so that no other can leak in.
        xnli = {role: node for role, node in xnli.items() if node.unit == XNLI_PREFIX + ENGLISH}
    mixed = pretraining_nodes(config) if config.finetune.mix_pretraining else {}
    return {**nodes, **xnli, **mixed}


def _slice(config: PipelineConfig, unit: str) -> FinetuneSlice:
    return FinetuneSlice(
        languages=tuple(config.languages),
        finetune=config.finetune,
        pretrain=config.pretrain if config.finetune.mix_pretraining else None,
    )


def run(context: StageContext[FinetuneSlice]) -> StageResult:
    """Fine-tune in a process group, with restarts chosen by English dev accuracy."""
    from xlm.xnli.launch.driver import finetune

    return finetune(
        context,
        encoder=context.inputs["pretrain"],
        vocabulary=context.inputs["vocabulary"],
        xnli=data_inputs(context.inputs, "xnli"),
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
    )


FINETUNE = Stage(
    name="finetune",
    version=3,
    summary="XNLI from the pretrained encoder, on English",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    require=require_english("finetune"),
    tools=("torch", "numpy"),
)
