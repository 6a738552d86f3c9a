"""Write rows of ids to a Parquet shard; the bytes depend on rows and settings alone.

with ShardWriter(path, kind="mono", languages=("sw",), ...) as writer:
    writer.write([lines])
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xlm.bpe.vocabulary import UNK, Vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.data.text import UnitKind
from xlm.shards.lines import Lines, concatenate
from xlm.shards.schema import (
    FORMAT_VERSION,
    LABELLED,
    LANGUAGE_COLUMNS,
    METADATA_PREFIX,
    arrow_schema,
)

RowBlock = tuple[Sequence[Lines], Sequence[str]]
"""Rows: the lines of each id column, and the names of their labels if the kind has labels."""


class ShardWriter:
    """Context manager that writes rows of ids to one file, with one row group in memory.

    Args:
        path: Parquet file to write.
        kind: kind of the rows.
        languages: one language, or the two languages of a pair.
        split: name of the split, for the metadata.
        vocabulary: vocabulary of the ids; its hash is in the metadata.
        row_group_tokens: a row group ends with the row that reaches this many tokens, or after
            this many rows, because rows can be empty.
        compression_level: level of zstd.
    """

    def __init__(
        self,
        path: Path,
        *,
        kind: UnitKind,
        languages: Sequence[str],
        split: str,
        vocabulary: Vocabulary,
        row_group_tokens: int,
        compression_level: int,
    ) -> None:
        self._kind: UnitKind = kind
        self._languages = tuple(languages)
        self._split = split
        self._vocabulary = vocabulary
        self._limit = row_group_tokens
        self.counts = {"lines": 0, "tokens": 0, "unknown": 0}
        self._pending: list[RowBlock] = []
        self._rows = self._tokens = 0
        self._schema = arrow_schema(kind)
        self._file = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=compression_level,
            write_page_checksum=True,
        )

    def write(self, columns: Sequence[Lines], labels: Sequence[str] = ()) -> None:
        """Append rows: row i is line i of each id column, and label i if the kind has labels."""
        # Tokens of all columns before each row, and after the last row.
        tokens_before = np.array([lines.offsets for lines in columns]).sum(axis=0)
        total, begin = len(tokens_before) - 1, 0
        while begin < total:
            reached = tokens_before[begin] + self._limit - self._tokens
            # The row that reaches the limit is the last of its row group.
            rows = min(
                int(np.searchsorted(tokens_before, reached)),
                begin + self._limit - self._rows,
                total,
            )
            part = [lines.slice(begin, rows) for lines in columns]
            self._pending.append((part, labels[begin:rows]))
            self._rows += rows - begin
            self._tokens += int(tokens_before[rows] - tokens_before[begin])
            begin = rows
            if self._tokens >= self._limit or self._rows >= self._limit:
                self._flush()

    def _flush(self) -> None:
        columns = [
            concatenate([*side]) for side in zip(*(c for c, _ in self._pending), strict=True)
        ]
        id_type = self._schema.field(0).type
        arrays: list[Any] = [
            pa.ListArray.from_arrays(
                pa.array(lines.offsets.astype(np.int32)), pa.array(lines.ids), type=id_type
            )
            for lines in columns
        ]
        names = LANGUAGE_COLUMNS[self._kind]
        for _, language in zip(names, self._languages, strict=True):
            arrays.append(pa.repeat(pa.scalar(language, pa.string()), self._rows))
        if self._kind in LABELLED:
            labels = [label for _, labels in self._pending for label in labels]
            if self._kind == "xnli":
                ids = [XNLI_LABELS.index(label) for label in labels]
                arrays.append(pa.array(np.array(ids, dtype=np.int8)))
            else:
                arrays.append(pa.array(labels, type=pa.string()))
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._file.write_table(table, row_group_size=self._rows)
        self.counts["lines"] += self._rows
        self.counts["tokens"] += self._tokens
        self.counts["unknown"] += sum(int((lines.ids == UNK).sum()) for lines in columns)
        self._pending.clear()
        self._rows = self._tokens = 0

    def close(self) -> None:
        """Write the remaining rows and the metadata, which include the final counts."""
        if self._rows:
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
