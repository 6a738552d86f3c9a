"""The sample that merges are learned from, for stage learn-bpe: as text, or as counts of words.

The workers sample the files. The lines are joined to one text, which fastBPE needs, and which is
the quickest way for a small corpus: our own learner counts words several times faster than Python.
For a large corpus it gets counts that the workers made, and the text is never written.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xlm.config.data.bpe import LearnBpeSlice
from xlm.engine.stage import FileJob, StageContext
from xlm.errors import DataError
from xlm.stages.text.split_files import train_files

MAX_TEXT_BYTES = 1 << 30
_GROUP_BYTES = 64 << 20
"""Counts that one call joins; more calls than workers share large corpora evenly."""


class BpeSample:
    """Samples the train splits of a context; `counts` are the lines of each language."""

    def __init__(self, context: StageContext[Any], config: LearnBpeSlice) -> None:
        """Count the lines of all files.

        Raises:
            DataError: there are none.
        """
        from xlm.bpe.learning.sample import sampling_rates

        self._context, self._config = context, config
        self._files = train_files(context.inputs)
        lengths = list(context.mapper.map(_count_lines, [file.path for _, _, file in self._files]))
        lines: dict[str, int] = {}
        for (_, language, _), length in zip(self._files, lengths, strict=True):
            lines[language] = lines.get(language, 0) + length
        if not sum(lines.values()):
            raise DataError("all train splits are empty", fix="check the sources of the profile")
        self._rates = sampling_rates(lines, config.sample_alpha, config.sample_lines)
        self.counts = {f"lines_{language}": count for language, count in sorted(lines.items())}
        self.counts |= {f"sampled_{language}": 0 for language in sorted(lines)}
        self.types = 0

    @property
    def is_large(self) -> bool:
        """Whether the text of the sample is too large for one file."""
        sizes = (
            file.path.stat().st_size * self._rates.get(language, 0.0)
            for _, language, file in self._files
        )
        return sum(sizes) > MAX_TEXT_BYTES

    def write_text(self) -> Path:
        """The sampled lines, file by file in a fixed order.

        Raises:
            DataError: fastBPE would need more memory than this machine has.
        """
        from xlm.bpe.learning.memory import may_be_too_large, require_memory

        jobs = self._jobs("part", 1)
        self._run(_sample, jobs)
        sample_bytes = sum(job.targets[0].stat().st_size for job in jobs)
        if self._config.learner == "fastbpe" and may_be_too_large(sample_bytes):
            counted = self.write_counts()
            require_memory(self.types)
            counted.unlink()
        return self._join([job.targets[0] for job in jobs], "sample.txt")

    def write_counts(self) -> Path:
        """Lines `word count`, one for each distinct word of the sample; sets `types`."""
        from xlm.bpe.learning.word_counts import GROUPS

        jobs = self._jobs("words", 2)
        self._run(_count_words, jobs)
        pairs = [path for job in jobs for path in job.targets]
        total_bytes = sum(job.targets[0].stat().st_size for job in jobs)
        calls = min(GROUPS, 1 + total_bytes // _GROUP_BYTES)
        bounds = [number * GROUPS // calls for number in range(calls + 1)]
        merges = [
            FileJob(
                name=f"merged.{number:02d}",
                sources=tuple(pairs),
                targets=(self._context.scratch / f"merged.{number:02d}",),
                options={"first": bounds[number], "end": bounds[number + 1]},
            )
            for number in range(calls)
        ]
        done = self._context.map_files(_merge_words, merges)
        self.types = sum(one["types"] for one in done)
        counted = self._join([job.targets[0] for job in merges], "words.txt")
        for path in pairs:
            path.unlink()
        return counted

    def _jobs(self, name: str, targets: int) -> list[FileJob]:
        scratch = self._context.scratch
        return [
            FileJob(
                name=f"{name}.{number:06d}",
                sources=(file.path,),
                targets=tuple(scratch / f"{name}.{number:06d}.{n}" for n in range(targets)),
                options={
                    "file_id": f"{unit}/{file.path.name}",
                    "rate": self._rates.get(language, 0.0),
                    "seed": self._config.seed,
                },
            )
            for number, (unit, language, file) in enumerate(self._files)
        ]

    def _run(self, function: Callable[[FileJob], Mapping[str, int]], jobs: list[FileJob]) -> None:
        sampled = self._context.map_files(function, jobs)
        languages = [language for _, language, _ in self._files]
        for language in set(languages):
            self.counts[f"sampled_{language}"] = sum(
                one["lines"] for one, its in zip(sampled, languages, strict=True) if its == language
            )

    def _join(self, parts: list[Path], name: str) -> Path:
        """One file of all parts, which are removed."""
        target = self._context.scratch / name
        with target.open("wb") as file:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, file)
                part.unlink()
        return target


def _count_lines(path: Path) -> int:
    from xlm.bpe.learning.sample import count_lines

    return count_lines(path)


def _sample(job: FileJob) -> dict[str, int]:
    from xlm.bpe.learning.sample import sample_file

    return {"lines": sample_file(job.sources[0], job.targets[0], **job.options)}


def _count_words(job: FileJob) -> dict[str, int]:
    from xlm.bpe.learning.word_counts import count_words

    return {"lines": count_words(job.sources[0], *job.targets, **job.options)}


def _merge_words(job: FileJob) -> dict[str, int]:
    from xlm.bpe.learning.word_counts import merge_counts

    groups = range(job.options["first"], job.options["end"])
    pairs = zip(job.sources[::2], job.sources[1::2], strict=True)
    return {"types": merge_counts(pairs, job.targets[0], groups=groups)}
