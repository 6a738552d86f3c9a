"""Text with pieces in, one Parquet shard out; the bytes follow from text and vocabulary alone."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xlm.bpe.vocabulary import UNKNOWN, Vocabulary, load_vocabulary
from xlm.errors import DataError
from xlm.shards.layout import (
    FORMAT_VERSION,
    ID_COLUMNS,
    LABEL_COLUMN,
    LABELS,
    LANGUAGE_COLUMNS,
    METADATA_PREFIX,
    Kind,
)

Row = tuple[list[list[int]], int | None]
"""The ids of each id column, and the label if there is one."""


@dataclass
class _RowGroup:
    """Rows not yet written: per id column all ids end to end, and where each row ends."""

    columns: int
    ids: list[list[int]] = field(init=False)
    ends: list[list[int]] = field(init=False)
    labels: list[int] = field(init=False)
    rows: int = 0
    tokens: int = 0

    def __post_init__(self) -> None:
        self.ids = [[] for _ in range(self.columns)]
        self.ends = [[0] for _ in range(self.columns)]
        self.labels = []

    def add(self, row: Row) -> None:
        lists, label = row
        for column, ids in enumerate(lists):
            self.ids[column] += ids
            self.ends[column].append(len(self.ids[column]))
            self.tokens += len(ids)
        if label is not None:
            self.labels.append(label)
        self.rows += 1


class ShardWriter:
    """Writes rows of ids to one file; use as a context manager.

    Args:
        row_group_tokens: a row group is closed with the row that reaches this many tokens.
        compression_level: of zstd.
    """

    def __init__(
        self,
        path: Path,
        *,
        kind: Kind,
        languages: Sequence[str],
        split: str,
        vocabulary: Vocabulary,
        row_group_tokens: int,
        compression_level: int,
    ) -> None:
        self._kind: Kind = kind
        self._languages = tuple(languages)
        self._split = split
        self._vocabulary = vocabulary
        self._limit = row_group_tokens
        self.counts = {"lines": 0, "tokens": 0, "unknown": 0}
        self._group = _RowGroup(len(ID_COLUMNS[kind]))
        fields: list[tuple[str, Any]] = [(n, pa.list_(pa.int32())) for n in ID_COLUMNS[kind]]
        fields += [(name, pa.string()) for name in LANGUAGE_COLUMNS[kind]]
        if kind == "xnli":
            fields.append((LABEL_COLUMN, pa.int8()))
        self._schema = pa.schema(fields)
        self._file = pq.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=compression_level
        )

    def write(self, row: Row) -> None:
        """Add one row."""
        self._group.add(row)
        self.counts["unknown"] += sum(ids.count(UNKNOWN) for ids in row[0])
        if self._group.tokens >= self._limit:
            self._flush()

    def _flush(self) -> None:
        group = self._group
        arrays: list[Any] = [
            pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(ids, pa.int32()))
            for ids, ends in zip(group.ids, group.ends, strict=True)
        ]
        columns = LANGUAGE_COLUMNS[self._kind]
        for _, language in zip(columns, self._languages, strict=True):
            arrays.append(pa.array([language] * group.rows, pa.string()))
        if self._kind == "xnli":
            arrays.append(pa.array(group.labels, pa.int8()))
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._file.write_table(table, row_group_size=max(group.rows, 1))
        self.counts["lines"] += group.rows
        self.counts["tokens"] += group.tokens
        self._group = _RowGroup(len(group.ids))

    def close(self) -> None:
        """Write what is left and the metadata, whose counts are known only now."""
        if self._group.rows:
            self._flush()
        metadata = {
            "format": FORMAT_VERSION,
            "kind": self._kind,
            "languages": " ".join(self._languages),
            "split": self._split,
            "vocabulary_hash": self._vocabulary.hash,
            "vocabulary_size": str(self._vocabulary.size),
            **{name: str(count) for name, count in self.counts.items()},
        }
        self._file.add_key_value_metadata(
            {METADATA_PREFIX + name: value for name, value in metadata.items()}
        )
        self._file.close()

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error is None:
            self.close()
        else:
            self._file.close()


def write_shard(
    sources: Sequence[Path],
    target: Path,
    *,
    kind: Kind,
    languages: Sequence[str],
    split: str,
    vocabulary: Path,
    row_group_tokens: int,
    compression_level: int,
) -> dict[str, int]:
    """Turn one text file (a pair: both sides; XNLI: the table) into one shard; return its counts.

    Raises:
        DataError: a side is missing, the sides differ in length, or an XNLI row is malformed.
    """
    expected = 1 if kind == "xnli" else len(ID_COLUMNS[kind])
    if len(sources) != expected:
        names = ", ".join(str(source) for source in sources)
        raise DataError(
            f"a shard of kind {kind!r} is made from {expected} text files, not from {names}",
            fix="rebuild the artifacts above this one",
        )
    loaded = _vocabulary(vocabulary)
    with ShardWriter(
        target,
        kind=kind,
        languages=languages,
        split=split,
        vocabulary=loaded,
        row_group_tokens=row_group_tokens,
        compression_level=compression_level,
    ) as writer:
        rows = _inference_rows(sources[0], loaded) if kind == "xnli" else _rows(sources, loaded)
        for row in rows:
            writer.write(row)
    return writer.counts


@cache
def _vocabulary(directory: Path) -> Vocabulary:
    return load_vocabulary(directory)


def _rows(sources: Sequence[Path], vocabulary: Vocabulary) -> Iterator[Row]:
    with ExitStack() as stack:
        files = [
            stack.enter_context(source.open(encoding="utf-8", newline="\n")) for source in sources
        ]
        for number, lines in enumerate(zip_longest(*files), start=1):
            if None in lines:
                ended = sources[lines.index(None)]
                raise DataError(
                    f"{ended} ends before line {number}, the other side of the pair goes on",
                    fix="rebuild the artifacts above this one",
                )
            yield [vocabulary.ids(line.split()) for line in lines], None


def _inference_rows(source: Path, vocabulary: Vocabulary) -> Iterator[Row]:
    with source.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.removesuffix("\n").split("\t")
            if len(fields) != 3 or fields[2] not in LABELS:
                raise DataError(
                    f"{source}, line {number}: not premise, hypothesis and a label of {LABELS}",
                    fix="rebuild extract-xnli",
                )
            yield [vocabulary.ids(text.split()) for text in fields[:2]], LABELS.index(fields[2])
