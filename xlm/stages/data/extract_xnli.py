"""Stage extract-xnli: write the rows of XNLI, and of MultiNLI for English, as TSV files."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.data.sources import MULTINLI_ID, XNLI_ID
from xlm.config.languages.pairs import ENGLISH, XNLI_LANGUAGES
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language of XNLI."""
    return [code for code in config.languages if code in XNLI_LANGUAGES]


def _slice(config: PipelineConfig, unit: str) -> ExtractXnliSlice:
    """The limits that apply to the language of the unit."""
    train = unit == ENGLISH
    return ExtractXnliSlice(
        language=unit,
        train=train,
        max_train_rows=config.sources.max_train_rows if train else None,
        max_eval_rows=config.sources.max_eval_rows,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    ids = (XNLI_ID, MULTINLI_ID) if unit == ENGLISH else (XNLI_ID,)
    return {name: Node("download", name) for name in ids}


def run(context: StageContext[ExtractXnliSlice]) -> StageResult:
    """Write `valid.tsv`, `test.tsv` and, for English, `train.tsv`: premise, hypothesis, label."""
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
)
