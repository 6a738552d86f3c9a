"""Reads columns of a Parquet file, one batch of rows at a time.

A value in the dictionary of a column chunk is stored once and may appear in every row. Therefore a
file of a kilobyte can unpack to terabytes: batches have few rows if a value is large, and the
total is bounded.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xlm.corpus.tables.table import Row, Table, listed
from xlm.corpus.text_files.decompression_limit import check_ratio
from xlm.corpus.text_files.text_lines import TextLines
from xlm.errors import DataError

_BATCH_ROWS = 1024
_DELTA = "DELTA_BYTE_ARRAY"
_BATCH_BYTES = 64 << 20
"""Bytes of a batch in which every row has the largest value of the dictionary."""
_BUFFER_BYTES = 1 << 20
"""Bytes that are read at once. Without `pre_buffer=False`, whole row groups are read."""


class ParquetTable(Table):
    """A Parquet file; its columns are strings, or fields of structs.

    In a strict table, they may be numbers. The ids of a ClassLabel column of Hugging Face become
    its names.
    """

    unit: ClassVar[str] = "row"

    def rows(self) -> Iterator[Row]:
        """All rows; a null is an empty string, in a strict table an error."""
        with opened_parquet(self.path) as file:
            paths = [self._find(file.schema_arrow, wanted) for wanted in self.columns.names]
            names = [".".join(path) for path in paths]
            labels = _class_labels(file.schema_arrow.metadata)
            packed_bytes, unpacked_bytes = self.path.stat().st_size, 0
            for batch in _batches(self.path, file, names):
                columns = [_values(batch, path, labels) for path in paths]
                unpacked_bytes += sum(map(_size_bytes, columns))
                check_ratio(self.path, packed_bytes, unpacked_bytes)
                for values in zip(*columns, strict=True):
                    self.number += 1
                    yield tuple(map(self._text, names, values))

    def column_names(self) -> list[str]:
        """The names of the columns, and of the fields of structs."""
        with opened_parquet(self.path) as file:
            return _all_columns(file.schema_arrow)

    def _text(self, name: str, value: Any) -> str:
        if not isinstance(value, bytes):
            return self.strict_text(name, value) if self.columns.strict else ""
        return self.text.decode(value.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))

    def _find(self, schema: pa.Schema, wanted: Sequence[int | str]) -> list[str]:
        """The names from a column to the field with the text.

        Raises:
            DataError: there is no such column, or it does not contain text.
        """
        for name in map(str, wanted):
            if len(schema.get_all_field_indices(name)) > 1:
                raise DataError(f"{self.path} has two columns {name!r}", fix="rename one of them")
            for path in ([name], name.split(".")):
                found = _type_of(schema, path)
                if found is None:
                    continue
                if not (_is_text(found) or (self.columns.strict and _is_value(found))):
                    raise DataError(
                        f"{self.path}: column {name!r} is {found}, not text",
                        fix=f"columns with text: {listed(_text_columns(schema))}",
                    )
                return path
        raise self.no_column(wanted, _all_columns(schema))

    def _open(self) -> TextLines:
        """Values are decoded as lines are."""
        return TextLines(
            lambda: nullcontext(BytesIO()), str(self.path), self.language, ends_at_returns=False
        )


@contextmanager
def opened_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file so that reading does not hold its row groups in memory.

    Raises:
        DataError: here or in the body of the `with`, if the file is damaged.
    """
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split())[:160]
        raise DataError(
            f"{path} is damaged, or not a Parquet file ({reason})", fix="check the file"
        ) from None


def _batches(path: Path, file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of columns."""
    for group in range(file.num_row_groups):
        rows = _batch_rows(path, file.metadata.row_group(group), group, names)
        yield from file.iter_batches(rows, row_groups=[group], columns=names, use_threads=False)


def _batch_rows(path: Path, group: pq.RowGroupMetaData, number: int, names: list[str]) -> int:
    """So many rows of a row group that a batch of them fits in memory.

    Raises:
        DataError: a column is a decompression bomb.
    """
    wanted = [
        chunk
        for chunk in map(group.column, range(group.num_columns))
        if chunk.path_in_schema in names
    ]
    largest_bytes = 1
    for chunk in wanted:
        check_ratio(path, chunk.total_compressed_size, chunk.total_uncompressed_size)
        # No value is larger than all of them.
        if _DELTA in chunk.encodings:
            # A value takes no bytes for what it has in common with the one before it.
            largest_bytes = max(largest_bytes, chunk.total_uncompressed_size)
        elif (
            chunk.has_dictionary_page and chunk.total_uncompressed_size > _BATCH_BYTES / _BATCH_ROWS
        ):
            largest_bytes = max(largest_bytes, _largest_in_dictionary(path, number, chunk))
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // largest_bytes))


def _largest_in_dictionary(path: Path, number: int, chunk: pq.ColumnChunkMetaData) -> int:
    """Bytes of the largest value in the dictionary of a column chunk."""
    name = chunk.path_in_schema
    # Only to look: reading all rows in this way takes 60 times as long.
    with pq.ParquetFile(
        path, buffer_size=_BUFFER_BYTES, pre_buffer=False, read_dictionary=[name]
    ) as file:
        batches = file.iter_batches(1, row_groups=[number], columns=[name], use_threads=False)
        for batch in batches:
            values: Any = batch.column(0)
            while pa.types.is_struct(values.type):
                values = values.flatten()[0]
            if pa.types.is_dictionary(values.type) and _is_text(values.type):
                return pc.max(pc.binary_length(values.dictionary)).as_py() or 0
            return 0
    return 0


def _type_of(schema: pa.Schema, path: Sequence[str]) -> pa.DataType | None:
    """The type of a column or of a field in a struct."""
    fields: Any = schema
    found: pa.DataType | None = None
    for name in path:
        if fields.get_field_index(name) < 0:
            return None
        found = fields.field(name).type
        fields = found if pa.types.is_struct(found) else pa.schema([])
    return found


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_value(kind: pa.DataType) -> bool:
    """Whether a type has one value that can be written: a number, a boolean, a date."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return not (pa.types.is_nested(kind) or _is_bytes(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _all_columns(schema: pa.Schema) -> list[str]:
    """Names of columns, and of the fields of structs."""
    names = []
    for field in schema:
        if pa.types.is_struct(field.type):
            names += [f"{field.name}.{inner.name}" for inner in field.type]
        else:
            names.append(field.name)
    return names


def _text_columns(schema: pa.Schema) -> list[str]:
    return [
        name
        for name in _all_columns(schema)
        for kind in [_type_of(schema, [name]) or _type_of(schema, name.split("."))]
        if kind is not None and _is_text(kind)
    ]


def _class_labels(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """The names of the labels that a Parquet file of Hugging Face stores, by column."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            name: [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _values(
    batch: pa.RecordBatch, path: Sequence[str], labels: Mapping[str, list[str]]
) -> list[Any]:
    """The values of a column; text as bytes, so that invalid UTF-8 is found."""
    values = batch.column(path[0])
    for name in path[1:]:
        inner = values.type.get_field_index(name)
        # `flatten` applies the nulls of the struct to its fields.
        values = values.flatten()[inner]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _is_text(values.type):
        values = values.cast(pa.large_binary())
    names = labels.get(".".join(path))
    return [_named(names, value) for value in values.to_pylist()] if names else values.to_pylist()


def _size_bytes(values: list[Any]) -> int:
    return sum(len(value) for value in values if isinstance(value, bytes))


def _named(names: Sequence[str], value: Any) -> Any:
    """The name of a label id; -1 is Hugging Face's id of a row without a label."""
    if not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None
