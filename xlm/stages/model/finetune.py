"""Stage finetune: fine-tune the pretrained encoder on the rows of the classification task.

`out` gets `model.safetensors` (encoder and classifier), `config.json`, `attempts.json` (every
restart with its dev accuracies) and `metrics.jsonl`.
"""

from collections.abc import Mapping

from xlm.config.data.tasks import labels_of
from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import FinetuneSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.launcher import abandon_job, launcher_settings
from xlm.stages.model.shard_inputs import data_inputs, pretraining_nodes, task_inputs, task_nodes
from xlm.stages.units import require_task, task_unit, task_units, train_units


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    nodes = {"pretrain": Node("pretrain", ALL), "vocabulary": Node("vocabulary", ALL)}
    # Selection by the training languages may use no other labels, so no other is an input.
    is_narrow = config.finetune.select_by == "training"
    units = train_units(config) if is_narrow else task_units(config)
    mixed = pretraining_nodes(config) if config.finetune.mix_pretraining else {}
    return {**nodes, **task_nodes(units), **mixed}


def _slice(config: PipelineConfig, unit: str) -> FinetuneSlice:
    return FinetuneSlice(
        train=tuple(config.classify.train) if config.classify else (),
        languages=tuple(config.languages),
        finetune=config.finetune,
        pretrain=config.pretrain if config.finetune.mix_pretraining else None,
        labels=labels_of(config.classify) if config.classify else (),
    )


def run(context: StageContext[FinetuneSlice]) -> StageResult:
    """Fine-tune in separate processes; restarts that are finished are not repeated.

    Raises:
        TrainingError: fine-tuning collapsed, or cannot go on.
        ToolError: a process failed without a report.
    """
    from xlm.classification.launch.jobs import FinetuneJob
    from xlm.classification.results.attempts import read_attempts
    from xlm.training.launch.driver import launch_job

    config = context.config.finetune
    job = FinetuneJob(
        finetune=config,
        pretrain=context.config.pretrain,
        encoder=context.inputs["pretrain"],
        vocabulary=context.inputs["vocabulary"],
        labels=context.config.labels,
        train=context.config.train,
        rows=task_inputs(context.inputs),
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        stage="finetune",
        module="xlm.classification.launch.entry",
        processes=min(config.processes, config.restarts),
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        unit="updates",
        uses_gpu=config.device == "cuda",
        checkpoints=("restart-*/update-*",),
    )
    attempts = read_attempts(context.out)
    return StageResult(
        counts={
            "restarts": attempts.count,
            "kept_restart": attempts.kept["restart"],
            "updates": attempts.kept["kept_update"],
            "training_pairs": attempts.kept["training_pairs"],
            f"{attempts.training}_dev_accuracy": attempts.dev_accuracy,
        },
        measured=measured,
    )


FINETUNE = Stage(
    name="finetune",
    version=3,
    summary="fine-tune the encoder on labelled sentences or pairs",
    units=task_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    settings=launcher_settings,
    abandon=abandon_job,
    require=require_task,
    tools=("torch", "numpy"),
)
