"""Stage extract-xnli: write the rows of XNLI, and of MultiNLI for training, as TSV files."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.data.sources import MULTINLI_ID, XNLI_ID
from xlm.config.data.tasks import XnliTask
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.units import task_languages


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language of XNLI, if it is the task."""
    return task_languages(config) if isinstance(config.classify, XnliTask) else ()


def _slice(config: PipelineConfig, unit: str) -> ExtractXnliSlice:
    """The limits that apply to the language of the unit."""
    train = _has_training_rows(config, unit)
    return ExtractXnliSlice(
        language=unit,
        train=train,
        max_train_rows=config.sources.max_train_rows if train else None,
        max_eval_rows=config.sources.max_eval_rows,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    ids = (XNLI_ID, MULTINLI_ID) if _has_training_rows(config, unit) else (XNLI_ID,)
    return {name: Node("download", name) for name in ids}


def _has_training_rows(config: PipelineConfig, unit: str) -> bool:
    return config.classify is not None and "train" in config.classify.splits(unit)


def run(context: StageContext[ExtractXnliSlice]) -> StageResult:
    """Write `valid.tsv`, `test.tsv` and, in training languages, `train.tsv`.

    The columns are premise, hypothesis and label.
    """
    from xlm.corpus.xnli.extract import extract_xnli

    return extract_xnli(context)


EXTRACT_XNLI = Stage(
    name="extract-xnli",
    version=1,
    summary="select the rows of XNLI and MultiNLI",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
)
