"""Stage finetune: fine-tune the pretrained encoder on English NLI pairs.

`out` gets `model.safetensors` (encoder and classifier), `config.json`, `attempts.json` (every
restart with its dev accuracies) and `metrics.jsonl`.
"""

import json
from collections.abc import Mapping

from xlm.config.languages.pairs import ENGLISH
from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import FinetuneSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.shard_inputs import data_inputs, data_nodes, pretraining_nodes
from xlm.stages.units import XNLI_PREFIX, require_english, single_unit


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    nodes = {"pretrain": Node("pretrain", ALL), "vocabulary": Node("vocabulary", ALL)}
    xnli = data_nodes(config, "xnli")
    if config.finetune.select_by == "english":
        # Selection may use English labels only, so no other language is an input.
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
    """Fine-tune in separate processes; restarts that are finished are not repeated.

    Raises:
        TrainingError: fine-tuning collapsed, or cannot go on.
        ToolError: a process failed without a report.
    """
    from xlm.classification.launch.jobs import FinetuneJob
    from xlm.training.launch.driver import launch_job

    config = context.config.finetune
    job = FinetuneJob(
        finetune=config,
        pretrain=context.config.pretrain,
        encoder=context.inputs["pretrain"],
        vocabulary=context.inputs["vocabulary"],
        xnli=data_inputs(context.inputs, "xnli"),
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        module="xlm.classification.launch.entry",
        processes=min(config.processes, config.restarts),
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        unit="updates",
    )
    summary = json.loads((context.out / "attempts.json").read_text(encoding="utf-8"))
    kept = summary["attempts"][summary["kept_restart"]]
    return StageResult(
        counts={
            "restarts": len(summary["attempts"]),
            "kept_restart": summary["kept_restart"],
            "updates": kept["kept_update"],
            "training_pairs": kept["training_pairs"],
            "english_dev_accuracy": kept["english_dev"],
        },
        measured=measured,
    )


FINETUNE = Stage(
    name="finetune",
    version=3,
    summary="fine-tune the encoder on English NLI pairs",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    require=require_english("finetune"),
    tools=("torch", "numpy"),
)
