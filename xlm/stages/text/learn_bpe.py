"""Stage learn-bpe: learn one list of BPE merges for all languages.

The merges are learned from a balanced sample of the train splits. If `bpe.source` is official, the
stage copies the published merges.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from xlm.config.data.bpe import LearnBpeSlice, OfficialBpeSlice
from xlm.config.data.sources import OFFICIAL_CODES_ID
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import FileJob, Node, Stage, StageContext, StageResult
from xlm.errors import DataError
from xlm.stages.text.split_files import train_files
from xlm.stages.units import corpus_units, single_unit

CODES_FILE = "codes"
"""The merges, in the format of fastBPE."""

_REPORT_EVERY = 100
_PUBLISHED = "published"


def _slice(config: PipelineConfig, unit: str) -> LearnBpeSlice | OfficialBpeSlice:
    """All settings of BPE, or only the file of the published merges."""
    if config.bpe.source == "official":
        return OfficialBpeSlice(source="official", file=config.sources.official_codes.file_name)
    return LearnBpeSlice(**config.bpe.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    if config.bpe.source == "official":
        return {_PUBLISHED: Node("download", OFFICIAL_CODES_ID)}
    return {name: Node("tokenize", name) for name in corpus_units(config)}


def run(context: StageContext[LearnBpeSlice | OfficialBpeSlice]) -> StageResult:
    """Write `codes`: learned from a sample of lines, or the published file."""
    if isinstance(context.config, OfficialBpeSlice):
        return _copy(context.inputs[_PUBLISHED] / context.config.file, context.out / CODES_FILE)
    return _learn(context, context.config)


def _copy(published: Path, target: Path) -> StageResult:
    from xlm.bpe.codes_file import read_merge_ranks

    codes = len(read_merge_ranks(published))
    target.write_bytes(published.read_bytes())
    return StageResult(counts={"codes": codes})


def _learn(
    context: StageContext[LearnBpeSlice | OfficialBpeSlice], config: LearnBpeSlice
) -> StageResult:
    from xlm.bpe.learning.learners import learn_merges

    sample = context.scratch / "sample.txt"
    counts = _write_sample(context, config, sample)

    def report(merges: int) -> None:
        if merges % _REPORT_EVERY == 0 or merges == config.codes:
            context.progress.update(merges, config.codes, "merges")

    learned = learn_merges(
        sample,
        context.out / CODES_FILE,
        num_merges=config.codes,
        messages=context.logs / "learner.log",
        learner=config.learner,
        threads=context.workers,
        on_merge=report,
    )
    sample.unlink()
    counts |= {"codes": learned.num_merges, "pairs_exhausted": int(learned.exhausted)}
    return StageResult(counts=counts, measured=learned.process.measured())


def _write_sample(
    context: StageContext[LearnBpeSlice | OfficialBpeSlice], config: LearnBpeSlice, sample: Path
) -> dict[str, int]:
    """Write the sample file by file, in a fixed order; return the lines of each language."""
    from xlm.bpe.learning.sample import sampling_rates

    files = train_files(context.inputs)
    lengths = list(context.mapper.map(_count, [file.path for _, _, file in files]))
    lines: dict[str, int] = {}
    for (_, language, _), length in zip(files, lengths, strict=True):
        lines[language] = lines.get(language, 0) + length
    if not sum(lines.values()):
        raise DataError("all train splits are empty", fix="check the sources of the profile")
    rates = sampling_rates(lines, config.sample_alpha, config.sample_lines)
    jobs = [
        FileJob(
            name=f"{unit}/{file.path.name}",
            sources=(file.path,),
            targets=(context.scratch / f"part.{number:06d}",),
            options={
                "file_id": f"{unit}/{file.path.name}",
                "rate": rates.get(language, 0.0),
                "seed": config.seed,
            },
        )
        for number, (unit, language, file) in enumerate(files)
    ]
    counts = {f"lines_{language}": count for language, count in sorted(lines.items())}
    counts |= {f"sampled_{language}": 0 for language in sorted(lines)}
    with sample.open("wb") as target:
        for job, (_, language, _), written in zip(
            jobs, files, context.mapper.map(_sample, jobs), strict=True
        ):
            (part,) = job.targets
            with part.open("rb") as file:
                shutil.copyfileobj(file, target)
            part.unlink()
            counts[f"sampled_{language}"] += written
    return counts


def _count(path: Path) -> int:
    from xlm.bpe.learning.sample import count_lines

    return count_lines(path)


def _sample(job: FileJob) -> int:
    from xlm.bpe.learning.sample import sample_file

    return sample_file(job.sources[0], job.targets[0], **job.options)


LEARN_BPE = Stage(
    name="learn-bpe",
    version=2,
    summary="learn BPE merges on a balanced sample, or use the published ones",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    tools=("fastBPE",),
)
