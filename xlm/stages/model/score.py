"""Stage score: label the dev rows of each language with a fine-tuned model.

Each unit is a cell of the sweep. `out` gets `dev.json` (rows and correct rows by language) and the
predictions. Stage select sees nothing else: test rows are read after the selection.
"""

from collections.abc import Mapping

from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import ScoreSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.cells import cell_of, cell_units
from xlm.stages.model.launcher import abandon_job, launched_cores, launcher_settings
from xlm.stages.model.shard_inputs import task_inputs, task_nodes
from xlm.stages.units import require_task, task_kind


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    kind = task_kind(config.classify) if config.classify else ""
    units = [f"{kind}.{code}" for code in cell_of(config, unit).scored]
    return {
        "finetune": Node("finetune", unit),
        "vocabulary": Node("vocabulary", ALL),
        **task_nodes(units),
    }


def _slice(config: PipelineConfig, unit: str) -> ScoreSlice:
    evaluate = config.evaluate
    return ScoreSlice(
        languages=cell_of(config, unit).scored,
        device=evaluate.device,
        threads_per_process=evaluate.threads_per_process,
        timeout_seconds=evaluate.timeout_seconds,
    )


def _cores(config: PipelineConfig) -> int:
    evaluate = config.evaluate
    return launched_cores(config, evaluate.device, evaluate.threads_per_process)


def run(context: StageContext[ScoreSlice]) -> StageResult:
    """Predict in a separate process.

    Raises:
        DataError: model, shards and vocabulary do not fit each other.
        ToolError: the process failed without a report.
    """
    from xlm.classification.launch.jobs import ScoreJob
    from xlm.classification.selection.dev_scores import read_dev_scores
    from xlm.training.launch.driver import launch_job

    config = context.config
    job = ScoreJob(
        device=config.device,
        classifier=context.inputs["finetune"],
        vocabulary=context.inputs["vocabulary"],
        rows=task_inputs(context.inputs),
        mono={},
        pairs={},
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        stage="score",
        module="xlm.classification.launch.entry",
        processes=1,
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        unit="languages",
        uses_gpu=config.device == "cuda",
    )
    scores = read_dev_scores(context.out)
    accuracies = [score.accuracy for score in scores.values()]
    return StageResult(
        counts={
            "rows": sum(score.n for score in scores.values()),
            "mean_dev_accuracy": sum(accuracies) / len(accuracies),
        },
        measured=measured,
    )


SCORE = Stage(
    name="score",
    version=1,
    summary="label the dev rows of each language with a fine-tuned model",
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
