"""Stage extract-labelled: write the rows of PAWS-X or of own files as TSV files."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractLabelledSlice
from xlm.config.data.sources import PAWSX_ID
from xlm.config.data.tasks import FilesTask, PawsxTask
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.units import task_languages


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language of the task, if it is not XNLI."""
    return task_languages(config) if isinstance(config.classify, PawsxTask | FilesTask) else ()


def _slice(config: PipelineConfig, unit: str) -> ExtractLabelledSlice:
    """The columns and contents of the files, or the splits of PAWS-X.

    Raises:
        ConfigError: a file does not exist.
    """
    task = config.classify
    if isinstance(task, FilesTask):
        from xlm.corpus.labelled.own_files import digests_of, paths_of

        paths = paths_of(task, unit)
        return ExtractLabelledSlice(
            task=task.task,
            language=unit,
            splits=task.splits(unit),
            columns=(*task.columns, task.label),
            contents=digests_of(task, paths, unit),
            paths={split: tuple(map(str, files)) for split, files in paths.items()},
        )
    splits = task.splits(unit) if task else ()
    return ExtractLabelledSlice(
        task="pawsx",
        language=unit,
        splits=splits,
        max_train_rows=config.sources.max_train_rows if "train" in splits else None,
        max_eval_rows=config.sources.max_eval_rows,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    is_public = isinstance(config.classify, PawsxTask)
    return {PAWSX_ID: Node("download", PAWSX_ID)} if is_public else {}


def _require_readable_files(config: PipelineConfig) -> None:
    if isinstance(config.classify, FilesTask):
        from xlm.corpus.labelled.own_files import check_files

        check_files(config.classify)


def run(context: StageContext[ExtractLabelledSlice]) -> StageResult:
    """Write `train.tsv`, `valid.tsv` and `test.tsv`, as far as the language has them.

    The columns are one or two sentences, and the label.
    """
    from xlm.corpus.labelled.own_files import extract_files
    from xlm.corpus.labelled.pawsx import extract_pawsx

    return extract_pawsx(context) if context.config.task == "pawsx" else extract_files(context)


EXTRACT_LABELLED = Stage(
    name="extract-labelled",
    version=1,
    summary="select labelled sentences or pairs: PAWS-X or own files",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    require=_require_readable_files,
)
