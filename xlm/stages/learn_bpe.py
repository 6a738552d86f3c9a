"""learn-bpe: one list of merges for all languages, from a balanced sample of the train splits."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.errors import DataError
from xlm.stage import ALL, FileJob, Node, Outcome, Stage, Work
from xlm.stages.text_jobs import train_files
from xlm.stages.units import corpus_units

CODES_FILE = "codes"

_REPORT_EVERY = 100


class LearnBpeSlice(Config):
    """What shapes the merges."""

    codes: int
    sample_alpha: float
    sample_lines: int | None
    seed: int
    learner: Literal["fastbpe"]


def learn_bpe_slice(config: PipelineConfig, unit: str) -> LearnBpeSlice:
    """All of the BPE config."""
    return LearnBpeSlice(**config.bpe.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("tokenize", name) for name in corpus_units(config)}


def run(work: Work[LearnBpeSlice]) -> Outcome:
    """Sample lines, learn, write `codes`."""
    from xlm.bpe.learn import learn_codes

    sample = work.scratch / "sample.txt"
    counts = _write_sample(work, sample)

    def report(merges: int) -> None:
        if merges % _REPORT_EVERY == 0 or merges == work.config.codes:
            work.progress.update(merges, work.config.codes, "merges")

    learned = learn_codes(
        sample,
        work.out / CODES_FILE,
        codes=work.config.codes,
        messages=work.logs / "fast.log",
        on_merge=report,
    )
    sample.unlink()
    counts |= {"codes": learned.codes, "pairs_exhausted": int(learned.exhausted)}
    return Outcome(counts=counts, measured=learned.process.measured())


def _write_sample(work: Work[LearnBpeSlice], sample: Path) -> dict[str, int]:
    """Fill `sample` part by part, in the order of the files; count lines per language."""
    from xlm.bpe.sample import sampling_rates

    files = train_files(work.inputs)
    lengths = list(work.mapper.map(_count, [file.path for _, _, file in files]))
    lines: dict[str, int] = {}
    for (_, language, _), length in zip(files, lengths, strict=True):
        lines[language] = lines.get(language, 0) + length
    if not sum(lines.values()):
        raise DataError("no line in any train split", fix="check the sources of this profile")
    rates = sampling_rates(lines, work.config.sample_alpha, work.config.sample_lines)
    jobs = [
        FileJob(
            name=f"{unit}/{file.path.name}",
            sources=(file.path,),
            targets=(work.scratch / f"part.{number:06d}",),
            options={
                "place": f"{unit}/{file.path.name}",
                "rate": rates.get(language, 0.0),
                "seed": work.config.seed,
            },
        )
        for number, (unit, language, file) in enumerate(files)
    ]
    counts = {f"lines_{language}": count for language, count in sorted(lines.items())}
    counts |= {f"sampled_{language}": 0 for language in sorted(lines)}
    with sample.open("wb") as whole:
        for job, (_, language, _), written in zip(
            jobs, files, work.mapper.map(_sample, jobs), strict=True
        ):
            (part,) = job.targets
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
            part.unlink()
            counts[f"sampled_{language}"] += written
    return counts


def _count(path: Path) -> int:
    from xlm.bpe.sample import count_lines

    return count_lines(path)


def _sample(job: FileJob) -> int:
    from xlm.bpe.sample import sample_file

    return sample_file(job.sources[0], job.targets[0], **job.options)


LEARN_BPE = Stage(
    name="learn-bpe",
    version=1,
    summary="learn byte-pair codes on a sample with balanced languages",
    units=lambda config: (ALL,),
    upstream=_upstream,
    slice=learn_bpe_slice,
    run=run,
    tools=("fastBPE",),
)
