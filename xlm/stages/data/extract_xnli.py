"""Stage extract-xnli: write the rows of XNLI, and of MultiNLI for training, as TSV files."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.data.sources import MULTINLI_ID, XNLI_ID
from xlm.config.data.tasks import XnliTask
from xlm.config.data.translations import in_english, original_of
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.units import task_languages, trained_languages, translated_languages


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language of XNLI, if it is the task, and for its English translation."""
    if not isinstance(config.classify, XnliTask):
        return ()
    return (*task_languages(config), *map(in_english, translated_languages(config)))


def _slice(config: PipelineConfig, unit: str) -> ExtractXnliSlice:
    """The limits that apply to the language of the unit."""
    train = unit in trained_languages(config)
    return ExtractXnliSlice(
        language=original_of(unit) or unit,
        train=train,
        max_train_rows=config.sources.max_train_rows if train else None,
        max_eval_rows=config.sources.max_eval_rows,
        in_english=bool(original_of(unit)),
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    has_translations = unit in trained_languages(config) or original_of(unit)
    ids = (XNLI_ID, MULTINLI_ID) if has_translations else (XNLI_ID,)
    return {name: Node("download", name) for name in ids}


def _require_translations(config: PipelineConfig) -> None:
    """Look for the members of XNLI-MT in a mirror that is a folder, before anything is built."""
    from xlm.corpus.sources.mirrors import present_in_folder
    from xlm.corpus.xnli.translations import require_members

    if not isinstance(config.classify, XnliTask) or config.sample is not None:
        return
    path = present_in_folder(config.sources.all_mirrors, config.sources.multinli.url)
    if path is not None:
        require_members(path, trained_languages(config), translated_languages(config))


def run(context: StageContext[ExtractXnliSlice]) -> StageResult:
    """Write `valid.tsv`, `test.tsv` and, in training languages, `train.tsv`.

    The columns are premise, hypothesis and label. English translations have at least `test.tsv`.
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
    require=_require_translations,
)
