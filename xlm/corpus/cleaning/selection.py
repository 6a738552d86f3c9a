"""Step 2 of cleaning: compares the hashes of all blocks and copies the rows that are kept.

One job for each unit, because the first of several equal rows stays, in the order of the corpus.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from xlm.config.data.cleaning import DROPPED
from xlm.corpus.cleaning.blocks import Block, read_rows
from xlm.corpus.cleaning.duplicates import Hashes, first_of_each
from xlm.corpus.cleaning.judgement import KEPT, Verdicts, cleaners_of, corpus_cleaners
from xlm.corpus.cleaning.rows import RowCleaner
from xlm.corpus.cleaning.samples import Sample, chosen_rows, write_samples
from xlm.store.file_jobs import FileJob


def select(job: FileJob) -> dict[str, int]:
    """Write the kept rows and the samples of the dropped ones; returns counts by reason.

    The targets are one text file for each side, and the samples. The options are those of the
    judgement of the blocks, and `blocks`: files, ranges, verdicts and hashes of each.
    """
    config, cleaners = cleaners_of(job.options)
    compared = corpus_cleaners(config)
    reasons = [*(one.reason for one in cleaners), *(one.reason for one in compared)]
    *texts, samples = job.targets
    verdicts = np.concatenate([np.load(one["verdicts"]) for one in job.options["blocks"]])
    hashes = _Hashes([Path(one["hashes"]) for one in job.options["blocks"]])
    shown: dict[int, str] = {}
    first_column = 0
    for code in range(1, len(cleaners) + 1):
        shown |= dict.fromkeys(chosen_rows(verdicts, code, config.samples), "")
    for code, cleaner in enumerate(compared, start=len(cleaners) + 1):
        columns = range(first_column, first_column + cleaner.columns)
        shown |= _drop_repeated(verdicts, hashes, columns, code, config.samples)
        first_column = columns.stop
    found = _copy_kept(_blocks(job), verdicts, texts, shown, cleaners)
    write_samples(samples, [(reasons[code - 1], one) for code, one in found], config.languages)
    counts = np.bincount(verdicts, minlength=len(reasons) + 1).tolist()
    return {
        "input_lines": len(verdicts),
        "kept_lines": counts[KEPT],
        **{f"{DROPPED}{reason}": counts[code] for code, reason in enumerate(reasons, start=1)},
    }


class _Hashes:
    """The hashes of all rows, in files of blocks; one column of them is in memory at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def column(self, number: int) -> Hashes:
        """One hash of each row, (rows,)."""
        return np.concatenate([np.load(path, mmap_mode="r")[number] for path in self._paths])


def _drop_repeated(
    verdicts: Verdicts, hashes: _Hashes, columns: range, code: int, samples: int
) -> dict[int, str]:
    """Give the verdict `code` to rows that share a hash with an earlier one in any column.

    Returns: some of these rows, with the earlier line of each.
    """
    alive = verdicts == KEPT
    kept = alive.copy()
    for number in columns:
        kept &= first_of_each(hashes.column(number), alive)
    verdicts[alive & ~kept] = code
    shown = chosen_rows(verdicts, code, samples)
    earlier: dict[int, int] = {}
    for number in columns if shown else ():
        column = hashes.column(number)
        for row in np.flatnonzero(alive & np.isin(column, column[shown])).tolist():
            same = [one for one in shown if column[one] == column[row] and row < one]
            earlier |= {one: min(row, earlier.get(one, row)) for one in same}
    return {row: f"as line {earlier[row] + 1}" for row in shown}


def _blocks(job: FileJob) -> list[Block]:
    return [
        Block(tuple(map(Path, one["paths"])), tuple((a, b) for a, b in one["ranges"]))
        for one in job.options["blocks"]
    ]


def _copy_kept(
    blocks: Sequence[Block],
    verdicts: Verdicts,
    targets: Sequence[Path],
    shown: Mapping[int, str],
    cleaners: Sequence[RowCleaner],
) -> list[tuple[int, Sample]]:
    """Copy the kept rows; returns the rows of `shown` with their verdicts."""
    found: list[tuple[int, Sample]] = []
    begin = 0
    with ExitStack() as stack:
        files = [
            stack.enter_context(path.open("w", encoding="utf-8", newline="\n")) for path in targets
        ]
        for block in blocks:
            rows = read_rows(block)
            codes = verdicts[begin : begin + len(rows)].tolist()
            kept = [row for row, code in zip(rows, codes, strict=True) if code == KEPT]
            for side, file in enumerate(files):
                file.writelines(f"{row[side]}\n" for row in kept)
            for number in sorted(one for one in shown if begin <= one < begin + len(rows)):
                row, code = rows[number - begin], codes[number - begin]
                detail = shown[number] or cleaners[code - 1].detail(row)
                found.append((code, Sample(number + 1, detail, row)))
            begin += len(rows)
    return found
