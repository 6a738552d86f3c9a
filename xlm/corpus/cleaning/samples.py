"""Samples of the dropped lines: `samples.parquet`, some rows of each reason.

Its columns are `line` (in the extracted text, from 1), `reason`, `detail` and one for each
language.

    python -m xlm.corpus.cleaning.samples samples.parquet    # prints them, separated by tabs
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlm.corpus.cleaning.rows import Row

SAMPLES_FILE = "samples.parquet"
_SHOWN_CHARACTERS = 1000
"""Longer lines are cut, so that the file stays small."""


class Sample(NamedTuple):
    """One dropped row."""

    line: int
    detail: str
    row: Row


def chosen_rows(verdicts: npt.NDArray[np.uint8], code: int, count: int) -> list[int]:
    """At most `count` of the rows with a verdict, evenly spread over the corpus."""
    rows = np.flatnonzero(verdicts == code)
    if len(rows) > count:
        rows = rows[np.arange(count) * len(rows) // max(count, 1)]
    return [int(row) for row in rows]


def write_samples(
    path: Path, samples: Sequence[tuple[str, Sample]], languages: Sequence[str]
) -> None:
    """Write the samples, with the reason of each, ordered by reason and line."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ordered = sorted(samples, key=lambda one: (one[0], one[1].line))
    columns: dict[str, object] = {
        "line": pa.array([one.line for _, one in ordered], pa.int64()),
        "reason": pa.array([reason for reason, _ in ordered], pa.string()),
        "detail": pa.array([one.detail for _, one in ordered], pa.string()),
    }
    for side, code in enumerate(languages):
        texts = [one.row[side][:_SHOWN_CHARACTERS] for _, one in ordered]
        columns[code] = pa.array(texts, pa.string())
    pq.write_table(pa.table(columns), path, compression="zstd")


def main(paths: Sequence[str]) -> None:
    """Print the samples of some files."""
    import pyarrow.parquet as pq

    for path in paths:
        for row in pq.read_table(path).to_pylist():
            print(*row.values(), sep="\t")


if __name__ == "__main__":
    main(sys.argv[1:])
