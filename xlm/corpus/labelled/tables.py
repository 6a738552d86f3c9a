"""Rows of labelled files: some columns of a TSV, CSV, JSON Lines or Parquet file, as text.

    for where, (sentence, label) in read_columns(Path("train.tsv"), ["sentence", "label"]):
        ...

A TSV has a header and no quotes; a CSV has a header, and quotes as in RFC 4180. TSV, CSV and JSON
Lines may be compressed with gzip, bzip2 or xz. In Parquet files of Hugging Face, the ids of a
ClassLabel column become its names.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from xlm.config.data.tasks import file_format
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.encodings import DAMAGED, likely_encoding
from xlm.corpus.text_files.text_lines import BYTE_ORDER_MARK, open_text
from xlm.errors import DataError

Row = tuple[str, tuple[str, ...]]
"""Where a row is (file and line), and its values in the requested columns."""

_BATCH_ROWS = 4096
_SHOWN_COLUMNS = 20


def read_columns(path: Path, columns: Sequence[str], language: str) -> Iterator[Row]:
    """Yield the requested columns of each row as text.

    Args:
        language: language of the text, to guess its encoding if it is not UTF-8.

    Raises:
        DataError: the file does not exist or is damaged, a column is missing, a line has another
            number of columns than the header, or a value is missing.
    """
    readers = {".tsv": _read_tsv, ".csv": _read_csv, ".jsonl": _read_jsonl}
    try:
        if (kind := file_format(path)) == ".parquet":
            yield from _read_parquet(path, columns)
        else:
            yield from readers[kind](path, columns, language)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="check the path") from None


def column_names(path: Path, language: str) -> list[str]:
    """The names of the columns; in JSON Lines, those of the first object.

    Args:
        language: as in `read_columns`.

    Raises:
        DataError: the file does not exist, is damaged or is empty.
    """
    try:
        if (kind := file_format(path)) == ".parquet":
            names = _parquet_names(path)
        else:
            lines = (line for _, line in _lines(path, language) if line.strip())
            first = next(lines, "")
            if kind == ".tsv":
                names = first.split("\t")
            elif kind == ".csv":
                names = next(csv.reader([first]), [])
            else:
                content = json.loads(first or "{}")
                names = list(content) if isinstance(content, dict) else []
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}", fix="write one object per line") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="check the path") from None
    _indices(path, names, ())
    return [str(name).strip() for name in names]


def _parquet_names(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [str(name) for name in pq.read_schema(path).names]
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: not readable as Parquet: {reason}", fix="write it again"
        ) from None


def _read_tsv(path: Path, columns: Sequence[str], language: str) -> Iterator[Row]:
    lines = _lines(path, language)
    _, header = next(lines, ("", ""))
    names = header.split("\t")
    indices = _indices(path, names, columns)
    for where, line in lines:
        fields = line.split("\t")
        _require_width(where, len(fields), len(names))
        yield where, tuple(fields[index] for index in indices)


def _read_csv(path: Path, columns: Sequence[str], language: str) -> Iterator[Row]:
    # csv joins the lines of a quoted field, so it needs the line ends.
    reader = csv.reader((f"{line}\n" for _, line in _lines(path, language)), strict=True)
    try:
        names = next(reader, [])
        indices = _indices(path, names, columns)
        for fields in reader:
            if fields:
                where = f"{path}, line {reader.line_num}"
                _require_width(where, len(fields), len(names))
                yield where, tuple(fields[index] for index in indices)
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: not CSV: {error}",
            fix="quote fields that contain commas, quotes or line breaks",
        ) from None


def _read_jsonl(path: Path, columns: Sequence[str], language: str) -> Iterator[Row]:
    for where, line in _lines(path, language):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{where}: not JSON: {error}", fix="write one object per line"
            ) from None
        if not isinstance(content, dict):
            raise DataError(f"{where}: not a JSON object", fix="write one object per line")
        _indices(where, list(content), columns)
        yield where, tuple(_text(where, name, content[name]) for name in columns)


def _read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _indices(path, names, columns)
            labels = _class_labels(file.schema_arrow.metadata)
            number = 0
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns)):
                values = [batch.column(name).to_pylist() for name in columns]
                for row in zip(*values, strict=True):
                    number += 1
                    where = f"{path}, row {number}"
                    yield (
                        where,
                        tuple(
                            _text(where, name, _named(labels.get(name), value))
                            for name, value in zip(columns, row, strict=True)
                        ),
                    )
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: not readable as Parquet: {reason}", fix="write it again"
        ) from None


def _lines(path: Path, language: str) -> Iterator[tuple[str, str]]:
    """Each line of a UTF-8 file with its place; the byte order mark is dropped."""
    lines = open_text(partial(open_plain, path), str(path), language).lines()
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            kind = likely_encoding(line, language)
            fix = f"convert the file, e.g. iconv -f {kind} -t UTF-8, if all its lines are {kind}"
            if kind == DAMAGED:
                fix = "repair the line, or drop the bad bytes: iconv -c -f UTF-8 -t UTF-8"
            raise DataError(f"{where}: not UTF-8, probably {kind}", fix=fix) from None
        if "\0" in text:
            raise DataError(f"{where}: a NUL character", fix="remove it (tr -d '\\0')")
        yield where, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text


def _indices(where: object, names: Sequence[str], columns: Iterable[str]) -> list[int]:
    names = [str(name).strip() for name in names]
    missing = [column for column in columns if column not in names]
    if names in ([], [""]):
        raise DataError(f"{where}: the file is empty", fix="add a header and rows")
    if missing:
        shown = ", ".join(names[:_SHOWN_COLUMNS])[:400]
        raise DataError(
            f"{where}: no column {missing[0]!r}; there are {shown}",
            fix="name one of them in classify (text, premise, hypothesis, label)",
        )
    return [names.index(column) for column in columns]


def _require_width(where: str, found: int, expected: int) -> None:
    if found != expected:
        raise DataError(
            f"{where}: {found} columns, but the header has {expected}",
            fix="give each row the columns of the header, without tabs in the text",
        )


def _text(where: str, name: str, value: object) -> str:
    if value is None:
        raise DataError(f"{where}: {name} has no value", fix="remove the row, or add the value")
    if isinstance(value, dict | list):
        raise DataError(f"{where}: {name} is not text", fix="use a column of text or numbers")
    return str(value).lower() if isinstance(value, bool) else str(value)


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


def _named(labels: Sequence[str] | None, value: Any) -> Any:
    """The name of a label id; -1 is Hugging Face's id of a row without a label."""
    if labels is None or not isinstance(value, int):
        return value
    return labels[value] if 0 <= value < len(labels) else None
