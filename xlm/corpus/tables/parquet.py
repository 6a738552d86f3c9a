"""Reads columns of a Parquet file, one batch of rows at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xlm.corpus.tables.table import Row, Table, listed
from xlm.corpus.text_files.text_lines import TextLines
from xlm.errors import DataError

_BATCH_ROWS = 1024
_BUFFER_BYTES = 1 << 20
"""Bytes that are read at once. Without `pre_buffer=False`, whole row groups are read."""


class ParquetTable(Table):
    """A Parquet file; its columns are strings, or fields of structs."""

    def rows(self) -> Iterator[Row]:
        """All rows; a null is an empty string."""
        with self._opened() as file:
            paths = [self._find(file.schema_arrow, wanted) for wanted in self.columns.names]
            names = [".".join(path) for path in paths]
            for batch in file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False):
                columns = [_field(batch, path) for path in paths]
                for values in zip(*(column.to_pylist() for column in columns), strict=True):
                    yield tuple(self._decode(value) for value in values)

    def _decode(self, value: bytes | None) -> str:
        if value is None:
            return ""
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
                if not _is_text(found):
                    raise DataError(
                        f"{self.path}: column {name!r} is {found}, not text",
                        fix=f"columns with text: {listed(_text_columns(schema))}",
                    )
                return path
        raise self.no_column(" or ".join(repr(one) for one in wanted), _all_columns(schema))

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(self.path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = " ".join(str(error).split())[:160]
            raise DataError(
                f"{self.path} is damaged, or not a Parquet file ({reason})", fix="check the file"
            ) from None

    def _open(self) -> TextLines:
        """Values are decoded as lines are."""
        return TextLines(
            lambda: nullcontext(BytesIO()), str(self.path), self.language, ends_at_returns=False
        )


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


def _field(batch: pa.RecordBatch, path: Sequence[str]) -> pa.Array:
    """The values of a column as bytes, so that invalid UTF-8 is found."""
    values = batch.column(path[0])
    for name in path[1:]:
        inner = values.type.get_field_index(name)
        # `flatten` applies the nulls of the struct to its fields.
        values = values.flatten()[inner]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.large_binary())
