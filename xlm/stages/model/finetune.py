"""Stage finetune: fine-tune the pretrained encoder on the rows of the classification task.

Each unit is a cell of the sweep (`cells.py`); without a sweep there is one. `out` gets
`model.safetensors` (encoder and classifier), `config.json`, `attempts.json` (every restart with its
dev accuracies) and `metrics.jsonl`.
"""

from collections.abc import Mapping

from xlm.config.data.tasks import labels_of
from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import FinetuneSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.cells import cell_of, cell_units
from xlm.stages.model.launcher import abandon_job, launched_cores, launcher_settings
from xlm.stages.model.shard_inputs import data_inputs, pretraining_nodes, task_inputs, task_nodes
from xlm.stages.units import require_task, task_kind, task_languages


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    nodes = {"pretrain": Node("pretrain", ALL), "vocabulary": Node("vocabulary", ALL)}
    cell = cell_of(config, unit)
    # Selection by the training languages may use no other labels, so no other is an input.
    is_narrow = config.finetune.select_by == "training"
    codes = cell.train if is_narrow else sorted({*cell.train, *cell.scored})
    # A language that the run lacks is refused by `require`, and only if this stage is built.
    present = [code for code in codes if code in task_languages(config)]
    kind = task_kind(config.classify) if config.classify else ""
    mixed = pretraining_nodes(config) if config.finetune.mix_pretraining else {}
    return {**nodes, **task_nodes([f"{kind}.{code}" for code in present]), **mixed}


def _slice(config: PipelineConfig, unit: str) -> FinetuneSlice:
    cell = cell_of(config, unit)
    return FinetuneSlice(
        languages=tuple(config.languages),
        train=cell.train,
        finetune=cell.finetune(config),
        pretrain=config.pretrain if config.finetune.mix_pretraining else None,
        labels=labels_of(config.classify) if config.classify else (),
    )


def _cores(config: PipelineConfig) -> int:
    finetune = config.finetune
    processes = min(finetune.processes, finetune.restarts)
    return launched_cores(config, finetune.device, processes * finetune.threads_per_process)


def run(context: StageContext[FinetuneSlice]) -> StageResult:
    """Fine-tune in separate processes; restarts that are finished are not repeated.

    Raises:
        TrainingError: fine-tuning collapsed with `collapse: error`, or cannot go on.
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
        warnings=list(attempts.collapses),
        counts={
            "restarts": attempts.count,
            "kept_restart": attempts.kept["restart"],
            "updates": attempts.kept["kept_update"],
            "training_pairs": attempts.kept["training_pairs"],
            f"{attempts.training}_dev_accuracy": attempts.dev_accuracy,
            "learning_rate": attempts.kept["learning_rate"],
            "collapsed_tries": len(attempts.kept["collapsed_tries"]),
            "collapsed_restarts": attempts.collapsed_count,
        },
        measured=measured,
    )


FINETUNE = Stage(
    name="finetune",
    version=4,
    summary="fine-tune the encoder on labelled sentences or pairs",
    units=cell_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    settings=launcher_settings,
    abandon=abandon_job,
    cores=_cores,
    require=require_task,
    tools=("torch", "numpy"),
)
