"""Stage apply-bpe: split tokens into subwords."""

from collections.abc import Mapping

from xlm.config.data.bpe import ApplyBpeSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import ALL, FileJob, Node, Stage, StageContext, StageResult
from xlm.stages.text.learn_bpe import CODES_FILE
from xlm.stages.text.split_files import counts_by_split, text_files
from xlm.stages.units import text_units


def _slice(config: PipelineConfig, unit: str) -> ApplyBpeSlice:
    return ApplyBpeSlice()


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {"text": Node("tokenize", unit), "codes": Node("learn-bpe", ALL)}


def run(context: StageContext[ApplyBpeSlice]) -> StageResult:
    """Apply the merges to each input file; the output has the same name."""
    files = text_files(context.inputs["text"])
    codes = context.inputs["codes"] / CODES_FILE
    jobs = [
        FileJob(
            name=file.path.name, sources=(file.path, codes), targets=(context.out / file.path.name,)
        )
        for file in files
    ]
    counts = context.map_files(_apply, jobs)
    return StageResult(counts=counts_by_split([file.split for file in files], counts))


def _apply(job: FileJob) -> dict[str, int]:
    from xlm.bpe.apply import apply_bpe_to_file

    source, codes = job.sources
    (target,) = job.targets
    return apply_bpe_to_file(source, target, codes=codes, labelled=source.suffix == ".tsv")


APPLY_BPE = Stage(
    name="apply-bpe",
    version=1,
    summary="split words into subwords",
    units=text_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    tools=("fastBPE",),
)
