"""Writes the training lines of all runs in shards: `{split}.{shard:05d}.txt`.

Each column of a pair has its own file, `{split}.{shard:05d}.{language}.txt`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from xlm.config.data.split import SplitSlice
from xlm.corpus.split.runs import bucket_rows, rows_by_bucket
from xlm.corpus.text_files.line_ranges import Row
from xlm.engine.stage import FileJob

_BUCKETS_PER_SHARD: Final = 4
"""A bucket at the border of two shards is read for both."""
_MAX_BUCKETS: Final = 65_536


@dataclass(frozen=True)
class ShardPlan:
    """Which lines of the runs are in which shard."""

    config: SplitSlice
    lines: int
    """The number of training lines."""
    runs: tuple[tuple[Path, Path], ...]
    """The rows and the index of each range of lines."""
    held_out: tuple[Path, ...]

    @staticmethod
    def buckets(config: SplitSlice, lines: int) -> int:
        """The argument `buckets` of `assign`."""
        bucket_lines = max(1, config.lines_per_shard // _BUCKETS_PER_SHARD)
        if config.order == "document":
            return bucket_lines
        return min(lines // bucket_lines + 1, _MAX_BUCKETS)

    def jobs(self, out: Path) -> list[FileJob]:
        """A job for each shard; without lines, for an empty one."""
        shuffled = self.config.order == "shuffled"
        found = []
        for number, parts in enumerate(self._parts()):
            needed = range(len(self.runs)) if shuffled else sorted(set(parts.runs))
            lines_left = self.lines - number * self.config.lines_per_shard
            found.append(
                FileJob(
                    name=f"train.{number:05d}",
                    sources=tuple(path for run in needed for path in self.runs[run]),
                    targets=tuple(self.shard_paths(out, "train", number)),
                    options={
                        "buckets": parts.buckets,
                        "runs": [] if shuffled else [needed.index(run) for run in parts.runs],
                        "skipped": parts.skipped,
                        "lines": min(self.config.lines_per_shard, lines_left),
                    },
                )
            )
        return found

    def shard_paths(self, out: Path, name: str, number: int) -> list[Path]:
        """The files of one shard of a split."""
        codes = self.config.languages
        endings = [f".{code}.txt" for code in codes] if len(codes) > 1 else [".txt"]
        return [out / f"{name}.{number:05d}{ending}" for ending in endings]

    def remove_files(self) -> None:
        """Remove the files that nothing needs after the shards are written."""
        for path in (*chain.from_iterable(self.runs), *self.held_out):
            path.unlink()

    def _parts(self) -> Iterator["_Parts"]:
        """Where the lines of each shard are."""
        buckets = self._buckets()
        at = first_line = 0
        for start in range(0, max(1, self.lines), self.config.lines_per_shard):
            end = min(start + self.config.lines_per_shard, self.lines)
            while at < len(buckets) and first_line + buckets[at][2] <= start:
                first_line += buckets[at][2]
                at += 1
            needed, line = [], first_line
            for run, bucket, rows in buckets[at:]:
                if line >= end:
                    break
                needed.append((run, bucket))
                line += rows
            yield _Parts(
                runs=[run for run, _ in needed],
                buckets=[bucket for _, bucket in needed],
                skipped=start - first_line,
            )

    def _buckets(self) -> list[tuple[int, int, int]]:
        """Run, number and rows of all buckets, in the order of their lines."""
        counted = [rows_by_bucket(index) for _, index in self.runs]
        if self.config.order == "shuffled":
            sums = map(sum, zip(*counted, strict=True))
            return [(0, bucket, rows) for bucket, rows in enumerate(sums)]
        return [
            (run, bucket, rows)
            for run, counts in enumerate(counted)
            for bucket, rows in enumerate(counts)
        ]


@dataclass(frozen=True)
class _Parts:
    """The buckets with the lines of a shard."""

    runs: list[int]
    buckets: list[int]
    skipped: int
    """Lines of the first bucket that belong to the shard before."""


def write_shard(job: FileJob) -> dict[str, int]:
    """Write one shard of the training lines."""
    runs = list(zip(job.sources[::2], job.sources[1::2], strict=True))
    options = job.options
    rows = _rows(runs, options["buckets"], options["runs"], columns=len(job.targets))
    wanted = islice(rows, options["skipped"], options["skipped"] + options["lines"])
    return {"lines": write_rows(job.targets, wanted)}


def write_rows(targets: Sequence[Path], rows: Iterable[Row]) -> int:
    """Write rows, each column to its file; returns their number."""
    lines = 0
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in targets]
        for row in rows:
            for text, file in zip(row, files, strict=True):
                file.write(text + b"\n")
            lines += 1
    return lines


def _rows(
    runs: Sequence[tuple[Path, Path]],
    buckets: Sequence[int],
    run_of_bucket: Sequence[int],
    *,
    columns: int,
) -> Iterator[Row]:
    for number, bucket in enumerate(buckets):
        its = [runs[run_of_bucket[number]]] if run_of_bucket else runs
        yield from bucket_rows(its, bucket, columns=columns, shuffled=not run_of_bucket)
