"""Step 2 of cleaning: compares the hashes of all ranges and copies the rows that are kept.

One job for each unit, because the first of several equal rows stays, in the order of the corpus.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from xlm.config.data.cleaning import DROPPED
from xlm.corpus.cleaning.duplicates import Hashes, first_of_each
from xlm.corpus.cleaning.judgement import KEPT, Verdicts, cleaners_of, corpus_cleaners
from xlm.corpus.cleaning.rows import RowCleaner, from_options
from xlm.corpus.cleaning.samples import Sample, chosen_rows, write_samples
from xlm.corpus.text_files.line_ranges import LineRange, rows_of
from xlm.store.file_jobs import FileJob


def select(job: FileJob) -> dict[str, int]:
    """Write the kept rows and the samples of the dropped ones; returns counts by reason.

    The targets are one text file for each side, and the samples. The options are those of the
    judgement, and `ranges`: position, verdicts and hashes of each.
    """
    config, cleaners = cleaners_of(job.options)
    compared = corpus_cleaners(config)
    reasons = [*(one.reason for one in cleaners), *(one.reason for one in compared)]
    *texts, samples = job.targets
    verdicts = np.concatenate([np.load(one["verdicts"]) for one in job.options["ranges"]])
    hashes = _Hashes([Path(one["hashes"]) for one in job.options["ranges"]], len(verdicts))
    shown: dict[int, str] = {}
    first_column = 0
    for code in range(1, len(cleaners) + 1):
        shown |= dict.fromkeys(chosen_rows(verdicts, code, config.samples), "")
    for code, cleaner in enumerate(compared, start=len(cleaners) + 1):
        columns = range(first_column, first_column + cleaner.columns)
        shown |= _drop_repeated(verdicts, hashes, columns, code, config.samples)
        first_column = columns.stop
    ranges = [
        from_options(one, [Path(path) for path in one["paths"]]) for one in job.options["ranges"]
    ]
    found = _copy_kept(ranges, verdicts, texts, shown, cleaners)
    write_samples(samples, [(reasons[code - 1], one) for code, one in found], config.languages)
    counts = np.bincount(verdicts, minlength=len(reasons) + 1).tolist()
    return {
        "input_lines": len(verdicts),
        "kept_lines": counts[KEPT],
        **{f"{DROPPED}{reason}": counts[code] for code, reason in enumerate(reasons, start=1)},
    }


class _Hashes:
    """The hashes of all rows, one file for each range; only one column is in memory at a time."""

    def __init__(self, paths: Sequence[Path], rows: int) -> None:
        self._paths, self._rows = paths, rows

    def column(self, number: int) -> Hashes:
        """One hash of each row, (rows,)."""
        found = np.empty(self._rows, np.uint64)
        begin = 0
        for path in self._paths:
            # Mapped, so that the other columns are not read.
            part = np.load(path, mmap_mode="r")[number]
            found[begin : begin + len(part)] = part
            begin += len(part)
        return found


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
        wanted = column[shown]
        rows = np.flatnonzero(alive & np.isin(column, wanted))
        found, first = np.unique(column[rows], return_index=True)
        first_rows = rows[first[np.searchsorted(found, wanted)]]
        for row, other in zip(shown, first_rows.tolist(), strict=True):
            if other < row:
                earlier[row] = min(other, earlier.get(row, other))
    return {row: f"as line {earlier[row] + 1}" for row in shown}


def _copy_kept(
    ranges: Sequence[LineRange],
    verdicts: Verdicts,
    targets: Sequence[Path],
    shown: Mapping[int, str],
    cleaners: Sequence[RowCleaner],
) -> list[tuple[int, Sample]]:
    """Copy the kept rows; returns the rows of `shown` with their verdicts."""
    found: list[tuple[int, Sample]] = []
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in targets]
        for one in ranges:
            codes = verdicts[one.first : one.first + one.lines].tolist()
            for number, (row, code) in enumerate(
                zip(rows_of(one), codes, strict=True), start=one.first
            ):
                if code == KEPT:
                    for side, file in zip(row, files, strict=True):
                        file.write(side + b"\n")
                elif number in shown:
                    texts = tuple(side.decode("utf-8") for side in row)
                    detail = shown[number] or cleaners[code - 1].detail(texts)
                    found.append((code, Sample(number + 1, detail, texts)))
    return found
