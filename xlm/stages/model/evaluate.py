"""Stage evaluate: accuracy, perplexity and retrieval in every language, with baselines.

`out` gets `results.json` (every value and how it was computed) and `results.tsv` (the table).
"""

from collections.abc import Mapping

from xlm.config.data.tasks import XnliTask, task_title
from xlm.config.languages.pairs import ENGLISH
from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import EvaluateSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.model.launcher import abandon_job, launcher_settings
from xlm.stages.model.select import cell_inputs, cell_nodes
from xlm.stages.model.shard_inputs import (
    data_inputs,
    data_nodes,
    task_inputs,
    task_nodes,
    translated_inputs,
    translated_nodes,
)
from xlm.stages.units import require_training_rows, single_unit, task_units


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    stages = ("pretrain", "vocabulary", *(("select",) if config.classify else ()))
    return {
        **{stage: Node(stage, ALL) for stage in stages},
        **cell_nodes(config),
        **data_nodes(config, "mono", "pair"),
        **task_nodes(task_units(config)),
        **translated_nodes(config),
    }


def _slice(config: PipelineConfig, unit: str) -> EvaluateSlice:
    return EvaluateSlice(
        train=tuple(sorted(config.classify.train)) if config.classify else (),
        languages=tuple(config.languages),
        stream_tokens=config.pretrain.stream_tokens,
        specials=config.pretrain.scores_special_tokens,
        evaluate=config.evaluate,
        task=_task_name(config),
    )


def _task_name(config: PipelineConfig) -> str | None:
    if config.classify is None:
        return None
    is_synthetic = config.sample is not None and isinstance(config.classify, XnliTask)
    return "synthetic NLI" if is_synthetic else task_title(config.classify)


def run(context: StageContext[EvaluateSlice]) -> StageResult:
    """Measure the encoder and the classifier in separate processes, and write the tables.

    Raises:
        DataError: models, shards and vocabulary do not fit each other.
        ToolError: a process failed without a report.
    """
    from xlm.classification.launch.jobs import EvaluateJob
    from xlm.classification.results.records import read_results
    from xlm.training.launch.driver import launch_job

    config = context.config.evaluate
    job = EvaluateJob(
        evaluate=config,
        stream_tokens=context.config.stream_tokens,
        specials=context.config.specials,
        encoder=context.inputs["pretrain"],
        task=context.config.task,
        train=context.config.train,
        selection=context.inputs.get("select"),
        cells=cell_inputs(context.inputs),
        translated=translated_inputs(context.inputs),
        vocabulary=context.inputs["vocabulary"],
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
        rows=task_inputs(context.inputs),
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        stage="evaluate",
        module="xlm.classification.launch.entry",
        processes=config.processes,
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        unit="measurements",
        uses_gpu=config.device == "cuda",
        checkpoints=("part-*.json",),
    )
    results = read_results(context.out)
    counts: dict[str, int | float | str] = {
        name: value for name, value in results.averages.model_dump().items() if value is not None
    }
    if results.training_test is not None:
        name = "english" if results.training_languages == (ENGLISH,) else "training"
        counts[f"{name}_test"] = results.training_test
    return StageResult(counts=counts, measured=measured)


EVALUATE = Stage(
    name="evaluate",
    version=7,
    summary="measure accuracy, perplexity, sentence retrieval and baselines",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    settings=launcher_settings,
    abandon=abandon_job,
    require=require_training_rows,
    tools=("torch", "numpy"),
)
