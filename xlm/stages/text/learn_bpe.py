"""Stage learn-bpe: learn one list of BPE merges for all languages.

The merges are learned from a balanced sample of the train splits. If `bpe.source` is official, the
stage copies the published merges. If it is checkpoint, it copies the merges and the vocabulary of
the model that training starts from.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from xlm.config.data.bpe import CheckpointBpeSlice, LearnBpeSlice, OfficialBpeSlice
from xlm.config.data.sources import OFFICIAL_CODES_ID
from xlm.config.pipeline import PipelineConfig, source_of_subwords
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.errors import ConfigError, DataError
from xlm.stages.text.bpe_sample import BpeSample
from xlm.stages.units import corpus_units, single_unit

CODES_FILE = "codes"
"""The merges, in the format of fastBPE."""

_REPORT_EVERY = 100
_PUBLISHED = "published"

AnyBpeSlice: TypeAlias = LearnBpeSlice | OfficialBpeSlice | CheckpointBpeSlice


def _slice(config: PipelineConfig, unit: str) -> AnyBpeSlice:
    """All settings of BPE, or only the published merges, or those of a model."""
    if source := source_of_subwords(config):
        return _checkpoint_slice(source)
    if config.bpe.source == "official":
        return OfficialBpeSlice(source="official", file=config.sources.official_codes.file_name)
    return LearnBpeSlice(**config.bpe.model_dump())


def _checkpoint_slice(source: Path) -> CheckpointBpeSlice:
    from xlm.model.warm_start.subwords import read_subwords

    found = read_subwords(source)
    return CheckpointBpeSlice(
        source="checkpoint",
        path=str(source),
        codes=found.vocabulary.codes_hash,
        vocabulary=found.vocabulary.hash,
    )


def _require(config: PipelineConfig) -> None:
    """Check that the model to start from has merges and a vocabulary for this text."""
    from xlm.inference.rules import rules_of

    source = source_of_subwords(config)
    if source is None:
        return
    _checkpoint_slice(source)
    if rules_of(source, config.languages).cased and not config.text.cased:
        raise ConfigError(
            f"{source} keeps case and accents, but text.cased is false", fix="set text.cased=true"
        )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    if source_of_subwords(config):
        return {}
    if config.bpe.source == "official":
        return {_PUBLISHED: Node("download", OFFICIAL_CODES_ID)}
    return {name: Node("tokenize", name) for name in corpus_units(config)}


def run(context: StageContext[AnyBpeSlice]) -> StageResult:
    """Write `codes`: learned from a sample of lines, or the published file, or a model's.

    With the merges of a model, `vocabulary.json` is its vocabulary.

    Raises:
        DataError: there is no text to learn from, or the model has changed since the plan.
    """
    if isinstance(context.config, CheckpointBpeSlice):
        return _take_over(context.config, context.out)
    if isinstance(context.config, OfficialBpeSlice):
        return _copy(context.inputs[_PUBLISHED] / context.config.file, context.out / CODES_FILE)
    return _learn(context, context.config)


def _copy(published: Path, target: Path) -> StageResult:
    from xlm.bpe.codes_file import read_merge_ranks

    codes = len(read_merge_ranks(published))
    target.write_bytes(published.read_bytes())
    return StageResult(counts={"codes": codes})


def _take_over(config: CheckpointBpeSlice, out: Path) -> StageResult:
    from xlm.bpe.codes_file import read_merge_ranks
    from xlm.bpe.vocabulary import write_vocabulary
    from xlm.model.warm_start.subwords import read_subwords

    found = read_subwords(Path(config.path))
    if (found.vocabulary.codes_hash, found.vocabulary.hash) != (config.codes, config.vocabulary):
        raise DataError(
            f"the merges or the vocabulary of {config.path} changed during the run",
            fix="run again, so that the key matches them",
        )
    (out / CODES_FILE).write_bytes(found.codes)
    write_vocabulary(found.vocabulary, out)
    return StageResult(
        counts={"codes": len(read_merge_ranks(out / CODES_FILE)), "tokens": found.vocabulary.size}
    )


def _learn(context: StageContext[AnyBpeSlice], config: LearnBpeSlice) -> StageResult:
    from xlm.bpe.learning.learners import learn_merges

    sample = BpeSample(context, config)
    counted = config.learner == "deterministic" and sample.is_large
    text = sample.write_counts() if counted else sample.write_text()

    def report(merges: int) -> None:
        if merges % _REPORT_EVERY == 0 or merges == config.codes:
            context.progress.update(merges, config.codes, "merges")

    learned = learn_merges(
        text,
        context.out / CODES_FILE,
        num_merges=config.codes,
        messages=context.logs / "learner.log",
        learner=config.learner,
        threads=context.workers,
        counted=counted,
        on_merge=report,
    )
    text.unlink()
    counts = sample.counts | {
        "codes": learned.num_merges,
        "pairs_exhausted": int(learned.exhausted),
    }
    return StageResult(counts=counts, measured=learned.process.measured())


LEARN_BPE = Stage(
    name="learn-bpe",
    version=2,
    summary="learn BPE merges on a balanced sample, or use published ones or those of a model",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    require=_require,
    tools=("fastBPE",),
)
