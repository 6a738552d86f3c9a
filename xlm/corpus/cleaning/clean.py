"""The clean stage: judges ranges of lines in the worker processes, then copies what is kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlm.config.data.cleaning import DROPPED, PACKAGED_MODEL, CleanSlice
from xlm.corpus.cleaning.bounds import count_characters
from xlm.corpus.cleaning.judgement import judge
from xlm.corpus.cleaning.language_models import load_model
from xlm.corpus.cleaning.rows import as_options
from xlm.corpus.cleaning.samples import SAMPLES_FILE
from xlm.corpus.cleaning.selection import select
from xlm.corpus.text_files.line_ranges import LineRange
from xlm.corpus.text_files.unit_lines import lines_of_unit
from xlm.engine.stage import FileJob, StageContext, StageResult
from xlm.errors import DataError

_MANY = 0.5
"""Fraction of dropped lines above which there is a warning."""


def clean(
    context: StageContext[CleanSlice],
    texts: Sequence[Path],
    evaluation: Mapping[str, Sequence[Path]],
) -> StageResult:
    """Write the kept lines to `text.txt`, or `text.{language}.txt`, and `samples.parquet`.

    Args:
        texts: folders with the text of the unit, which are read one after another.
        evaluation: language to the folders of dev and test rows in it.

    Raises:
        DataError: no line is left, or the sides of a pair have different numbers of lines.
    """
    ranges = lines_of_unit(context, context.config.languages, texts)
    if not ranges:
        raise DataError(
            f"{context.unit}: there are no lines to clean", fix="check the sources of this language"
        )
    options = {
        "config": context.config.model_dump(mode="json"),
        "characters": _characters(context, ranges),
        "evaluation": {
            code: [str(path) for path in paths] for code, paths in sorted(evaluation.items())
        },
    }
    jobs = [_judgement(context.scratch, one, options) for one in ranges]
    context.map_files(judge, jobs)
    (counts,) = context.map_files(select, [_selection(context, jobs, options)])
    if not counts["kept_lines"]:
        raise DataError(
            f"{context.unit}: cleaning dropped all {counts['input_lines']:,} lines "
            f"({_most_common(counts)})",
            fix="relax the settings of `cleaning`, or check the source",
        )
    (unknown,) = context.mapper.map(_unknown, [context.config])
    return StageResult(counts=counts, warnings=[*unknown, *_many(context, counts)])


def _characters(context: StageContext[CleanSlice], ranges: Sequence[LineRange]) -> list[int]:
    """Characters of each side of a pair, if a cleaner needs them."""
    if context.config.max_ratio is None:
        return []
    return [sum(side) for side in zip(*context.mapper.map(count_characters, ranges), strict=True)]


def _judgement(scratch: Path, lines: LineRange, options: Mapping[str, Any]) -> FileJob:
    name = f"lines.{lines.first:012d}"
    targets = tuple(scratch / f"{name}.{part}.npy" for part in ("verdicts", "hashes"))
    sources = tuple(Path(path) for path, _, _ in lines.columns)
    return FileJob(name, sources, targets, {**options, **as_options(lines)})


def _selection(
    context: StageContext[CleanSlice], jobs: Sequence[FileJob], options: Mapping[str, Any]
) -> FileJob:
    ranges = [
        {
            **{name: job.options[name] for name in ("first", "lines", "positions")},
            "paths": [str(path) for path in job.sources],
            "verdicts": str(job.targets[0]),
            "hashes": str(job.targets[1]),
        }
        for job in jobs
    ]
    names = (
        ["text.txt"]
        if len(context.config.languages) == 1
        else [f"text.{code}.txt" for code in context.config.languages]
    )
    targets = tuple(context.out / name for name in (*names, SAMPLES_FILE))
    return FileJob("select", (), targets, {**options, "ranges": ranges})


def _unknown(config: CleanSlice) -> list[str]:
    if config.language_certainty is None:
        return []
    model = load_model(config.language_model_path or PACKAGED_MODEL)
    return [
        f"{code} is not checked for other languages: {config.language_model} does not know it"
        for code in config.languages
        if not model.names.intersection(config.language_names[code])
    ]


def _many(context: StageContext[CleanSlice], counts: Mapping[str, int]) -> list[str]:
    dropped = 1 - counts["kept_lines"] / counts["input_lines"]
    if dropped <= _MANY:
        return []
    return [f"{context.unit}: cleaning dropped {dropped:.0%} of the lines ({_most_common(counts)})"]


def _most_common(counts: Mapping[str, int]) -> str:
    dropped = {name: count for name, count in counts.items() if name.startswith(DROPPED)}
    most = max(dropped, key=lambda name: dropped[name])
    return f"most: {most.removeprefix(DROPPED)}, {dropped[most]:,}"
