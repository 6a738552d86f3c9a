"""Lines and shards with arbitrary ids, for tests."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary
from xlm.config.data.text import UnitKind
from xlm.shards.lines import Lines, Spans
from xlm.shards.random_access.flat_copy import open_flat_lines
from xlm.shards.reader import ShardReader
from xlm.shards.schema import ID_COLUMNS
from xlm.shards.writer import ShardWriter

VOCABULARY = Vocabulary(
    (*SPECIAL_TOKENS, *(f"w{i}" for i in range(1000))), (0,) * len(SPECIAL_TOKENS) + (1,) * 1000
)
HASH = VOCABULARY.hash


def lines_of(rows: Sequence[Sequence[int]]) -> Lines:
    """Make lines from lists of ids."""
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return Lines(np.array([i for row in rows for i in row], dtype=np.int32), offsets)


def rows_of(lines: Lines) -> list[list[int]]:
    """Convert lines to lists of ids."""
    bounds = lines.offsets.tolist()
    return [lines.ids[a:b].tolist() for a, b in pairwise(bounds)]


def rows_at(spans: Spans) -> list[list[int]]:
    """Convert spans to lists of ids."""
    positions = zip(spans.starts_B.tolist(), spans.lengths_B.tolist(), strict=True)
    return [spans.ids[start : start + length].tolist() for start, length in positions]


def write_rows(
    folder: Path,
    *columns: Lines,
    kind: UnitKind = "mono",
    languages: tuple[str, ...] = ("sw",),
    shards: int = 1,
    row_group_tokens: int = 1000,
    split: str = "train",
) -> Path:
    """Write rows as shards with about the same number of rows."""
    assert len(columns) == len(ID_COLUMNS[kind])
    folder.mkdir(parents=True, exist_ok=True)
    bounds = np.linspace(0, len(columns[0]), shards + 1).astype(int).tolist()
    for number in range(shards):
        with ShardWriter(
            folder / f"{split}.{number:05d}.parquet",
            kind=kind,
            languages=languages,
            split=split,
            vocabulary=VOCABULARY,
            row_group_tokens=row_group_tokens,
            compression_level=1,
        ) as writer:
            writer.write([c.slice(bounds[number], bounds[number + 1]) for c in columns])
    return folder


def first_ids(shards: Path, folder: Path) -> list[list[int]]:
    """Read the first five ids of a flat copy in `folder`; write it first if needed."""
    flat = open_flat_lines(ShardReader(shards, "train", HASH), folder, "sw")
    return flat.windows(np.zeros(1, dtype=np.int64), 5).tolist()
