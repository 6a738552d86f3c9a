"""Stage pretrain: MLM and TLM over the shards, in processes of their own.

Scratch holds checkpoints, so that a killed run continues; `out` gets only files that the rules
determine: `model.safetensors`, `config.json`, `mixture.json`, `metrics.jsonl`, `validation.json`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xlm.config.pipeline import PipelineConfig
from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.model.formats.source_files import identity_of
from xlm.model.warm_start.sizes import require_fitting_source
from xlm.stages.model.shard_inputs import data_inputs, pretraining_nodes


def _units(config: PipelineConfig) -> Sequence[str]:
    return (ALL,)


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {"vocabulary": Node("vocabulary", ALL), **pretraining_nodes(config)}


def _slice(config: PipelineConfig, unit: str) -> PretrainSlice:
    languages, pretrain, identity = tuple(config.languages), config.pretrain, ""
    if pretrain.warm_start is not None:
        source = Path(pretrain.warm_start).expanduser().absolute()
        pretrain = pretrain.model_copy(update={"warm_start": str(source)})
        identity = identity_of(source)
    return PretrainSlice(
        languages=languages, model=config.model, pretrain=pretrain, warm_start=identity
    )


def _require_fitting_warm_start(config: PipelineConfig) -> None:
    if config.pretrain.warm_start is not None:
        require_fitting_source(
            config.model, Path(config.pretrain.warm_start).expanduser().absolute()
        )


def run(context: StageContext[PretrainSlice]) -> StageResult:
    """Train in a process group and publish the weights and what led to them."""
    from xlm.training.launch.pretraining import pretrain

    return pretrain(
        context,
        vocabulary=context.inputs["vocabulary"],
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
    )


PRETRAIN = Stage(
    name="pretrain",
    version=4,
    summary="masked and translation language modelling",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    require=_require_fitting_warm_start,
    tools=("torch", "numpy"),
)
