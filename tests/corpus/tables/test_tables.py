"""Columns of TSV, JSON lines and Parquet files: values, nulls, malformed rows, wrong columns."""

import bz2
import gzip
import json
import lzma
import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from xlm.config.data.own.files import Column
from xlm.config.data.own.parts import Part
from xlm.corpus.tables.opening import open_table
from xlm.corpus.tables.table import Table
from xlm.errors import DataError

ROWS = [("The cat sat.", "Paka alikaa."), ('A "quoted" word', "Neno"), ("", "tupu")]


def _table(path: Path, kind: str, columns: Sequence[Column] = (), *, header: bool = False) -> Table:
    part = Part(kind=kind, sides=(), columns=tuple(columns), header=header)
    return open_table(part, path, ("en", "sw"))


def _write_tsv(path: Path, header: str = "") -> Path:
    path.write_text(header + "".join(f"{n}\t{a}\t{b}\n" for n, (a, b) in enumerate(ROWS)))
    return path


def _write_jsonl(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def _write_parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_columns_by_position(tmp_path: Path) -> None:
    assert list(_table(_write_tsv(tmp_path / "a"), "tsv", (2, 3)).rows()) == ROWS


@pytest.mark.parametrize("columns", [("en", "sw"), (2, 3), ("en", 3)])
def test_a_header_names_columns(tmp_path: Path, columns: Sequence[Column]) -> None:
    path = _write_tsv(tmp_path / "a", "\ufeffid\ten\tsw\n")
    assert list(_table(path, "tsv", columns, header=True).rows()) == ROWS
    assert [b for _, b in _table(path, "tsv", columns, header=True).rows()] == [
        "Paka alikaa.", "Neno", "tupu"
    ]  # fmt: skip


def test_a_column_must_be_the_only_one_of_its_name(tmp_path: Path) -> None:
    path = _write_tsv(tmp_path / "a", "en\ten\tsw\n")
    with pytest.raises(DataError, match="has two columns 'en'; rename one of them"):
        list(_table(path, "tsv", ("en", "sw"), header=True).rows())
    # A position is unique.
    assert list(_table(path, "tsv", (2, "sw"), header=True).rows()) == ROWS


PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("kind", ["tsv", "jsonl", "text"])
def test_the_content_shows_how_a_file_is_packed(tmp_path: Path, kind: str, packer: str) -> None:
    lines = {"tsv": "x\tone\n", "jsonl": '{"t": "one"}\n', "text": "one\n"}[kind]
    (tmp_path / "text.zip").write_bytes(PACKERS[packer](lines.encode() * 3))
    columns = {"tsv": (2,), "jsonl": ("t",), "text": (1,)}[kind]
    assert list(_table(tmp_path / "text.zip", kind, columns).lines()) == ["one"] * 3


def test_crlf_and_empty_lines_of_tsv(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\tb\r\n\r\nc\td\r\n")
    assert list(_table(tmp_path / "a", "tsv", (1, 2)).rows()) == [("a", "b"), ("c", "d")]


def test_a_short_row_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a\tb\n" * 99 + "short\n")
    table = _table(tmp_path / "a", "tsv", (1, 2))
    assert len(list(table.rows())) == 99
    table.require_readable(0.01)
    assert list(table.warnings()) == [f"{tmp_path}/a: 1 row is left out; line 100: 1 column, not 2"]
    with pytest.raises(DataError, match=r"a: 1 of 100 rows cannot be used; line 100: 1 column"):
        table.require_readable(0.001)


@pytest.mark.parametrize(
    "rows",
    [
        [{"en": a, "sw": b} for a, b in ROWS],
        [{"translation": {"en": a, "sw": b}, "id": 3} for a, b in ROWS],
        [{"en": a or None, "sw": b} for a, b in ROWS],
    ],
    ids=["codes", "translation", "null"],
)
def test_languages_are_names_of_columns(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    assert list(_table(_write_jsonl(tmp_path / "a", rows), "jsonl").rows()) == ROWS
    columns = {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    assert list(_table(_write_parquet(tmp_path / "b", **columns), "parquet").rows()) == ROWS


BAD_JSON = {
    "{'text': 'x'}": "it is not JSON",
    "[1]": "it is a list, not an object",
    '"x"': "it is text, not an object",
    '{"t": "x"}': "no field 'text'; it has t",
    '{"text": 3}': "field 'text' is a number, not text",
    '{"text": ["x"]}': "field 'text' is a list, not text",
    '{"text": {"a": "x"}}': "field 'text' is an object, not text",
    "[" * 100_000: "it is not JSON",
}


@pytest.mark.parametrize("line", BAD_JSON)
def test_a_bad_line_of_json_is_counted(tmp_path: Path, line: str) -> None:
    (tmp_path / "a").write_text('{"text": "one"}\n' * 199 + f"{line}\n")
    table = _table(tmp_path / "a", "jsonl", ("text",))
    assert list(table.lines()) == ["one"] * 199
    table.require_readable(0.01)
    with pytest.raises(DataError) as caught:
        table.require_readable(0.001)
    assert f"line 200: {BAD_JSON[line]}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_surrogate_and_a_nul_of_json_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"text": "a\\ud800b"}\n{"text": "a\\u0000b"}\n')
    table = _table(tmp_path / "a", "jsonl", ("text",))
    first, second = table.lines()
    first.encode()
    assert second == "a\0b"
    assert table.text.faults.bad == 2


def test_a_value_has_lines(tmp_path: Path) -> None:
    value = "one\ntwo\r\nthree\rfour\u2028five"
    expected = ["one", "two", "three", "four\u2028five"]
    path = _write_jsonl(tmp_path / "a", [{"text": value}])
    assert list(_table(path, "jsonl", ("text",)).lines()) == expected
    path = _write_parquet(tmp_path / "b", text=pa.array([value]))
    assert list(_table(path, "parquet", ("text",)).lines()) == expected


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_all_kinds_of_strings_in_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    values = pa.array(["a", None, "b", "c", ""]).cast(kind)
    path = _write_parquet(tmp_path / "a", text=values)
    assert list(_table(path, "parquet", ("text",)).lines()) == ["a", "", "b", "c", ""]


def test_a_name_with_a_dot_is_a_column_or_a_field(tmp_path: Path) -> None:
    path = _write_parquet(tmp_path / "a", **{"a.b": pa.array(["x"]), "c": pa.array([{"d": "y"}])})
    assert list(_table(path, "parquet", ("a.b", "c.d")).rows()) == [("x", "y")]


WRONG_COLUMNS = {
    "nope": "has no column 'nope'; it has text, tags, count, nested.en; name one of them",
    "tags": "column 'tags' is list<element: string>, not text; columns with text: text, nested.en",
    "count": "column 'count' is int64, not text",
    "nested": "column 'nested' is struct<en: string>, not text",
    "nested.de": "has no column 'nested.de'",
}


@pytest.mark.parametrize("column", WRONG_COLUMNS)
def test_a_wrong_column_of_parquet_is_refused(tmp_path: Path, column: str) -> None:
    path = _write_parquet(
        tmp_path / "a",
        text=pa.array(["x"]),
        tags=pa.array([["x"]]),
        count=pa.array([1]),
        nested=pa.array([{"en": "x"}]),
    )
    with pytest.raises(DataError) as caught:
        list(_table(path, "parquet", (column,)).rows())
    assert WRONG_COLUMNS[column] in str(caught.value)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array(["x"]), pa.array(["y"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a")
    with pytest.raises(DataError, match="a has two columns 'text'; rename one of them"):
        list(_table(tmp_path / "a", "parquet", ("text",)).rows())


def test_a_wrong_column_of_tsv_is_refused(tmp_path: Path) -> None:
    path = _write_tsv(tmp_path / "a", "id\ten\tsw\n")
    with pytest.raises(DataError, match="a has no column 'yo'; it has id, en, sw; name one"):
        list(_table(path, "tsv", ("yo",), header=True).rows())


@pytest.mark.parametrize("content", [b"PAR1", b"text\n" * 100, b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_not_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match="a is damaged, or not a Parquet file"):
        list(_table(tmp_path / "a", "parquet", ("text",)).rows())


def test_damaged_pages_of_parquet_are_refused(tmp_path: Path) -> None:
    path = _write_parquet(tmp_path / "a", text=pa.array([f"line {n}" for n in range(500)]))
    data = bytearray(path.read_bytes())
    data[4:300] = bytes(296)
    path.write_bytes(data)
    with pytest.raises(DataError, match="a is damaged, or not a Parquet file"):
        list(_table(path, "parquet", ("text",)).rows())


def test_invalid_utf8_in_parquet_is_counted(tmp_path: Path) -> None:
    values = pa.array([b"good", b"b\xffd"], pa.binary()).view(pa.string())
    table = _table(_write_parquet(tmp_path / "a", text=values), "parquet", ("text",))
    assert list(table.lines()) == ["good", "b\ufffdd"]
    assert table.text.faults.not_utf8 == 1


@pytest.mark.slow
def test_memory_does_not_hold_a_row_group(tmp_path: Path) -> None:
    draw = random.Random(0)
    values = pa.array([draw.randbytes(50).hex() for _ in range(300_000)])
    pq.write_table(pa.table({"text": values}), tmp_path / "a", use_dictionary=False)
    before = pa.total_allocated_bytes()
    most = 0
    for _ in _table(tmp_path / "a", "parquet", ("text",)).rows():
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 8 << 20 < (tmp_path / "a").stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize("store_schema", [True, False], ids=["dictionary", "strings"])
@pytest.mark.parametrize("column", ["text", "translation.en"])
def test_a_large_value_in_every_row_of_parquet_is_refused(
    tmp_path: Path, store_schema: bool, column: str
) -> None:
    """A kilobyte would take gigabytes: first of memory for a batch, then of disk."""
    rows = pa.array([0] * 3000, pa.int32())
    values = pa.DictionaryArray.from_arrays(rows, pa.array(["x" * (4 << 20)]))
    if column != "text":
        values = pa.StructArray.from_arrays([values], ["en"])
    pq.write_table(
        pa.table({column.partition(".")[0]: values}), tmp_path / "a",
        compression="zstd", dictionary_pagesize_limit=1 << 30, store_schema=store_schema,
    )  # fmt: skip
    assert (tmp_path / "a").stat().st_size < 10_000
    before = pa.total_allocated_bytes()
    rows_read = _table(tmp_path / "a", "parquet", (column,)).rows()
    sizes: list[int] = []
    with pytest.raises(DataError, match=r"^a: unpacks to more than 200 times its size; "):
        sizes.extend(pa.total_allocated_bytes() - before for _ in rows_read)
    assert max(sizes) < 200 << 20


def test_values_that_repeat_the_one_before_them_are_refused(tmp_path: Path) -> None:
    """Prefixes in common take no bytes in the file, and all of them in memory."""
    values = pa.array(["x" * 300_000] * 1500)
    pq.write_table(
        pa.table({"text": values}), tmp_path / "a", compression="zstd",
        use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"},
    )  # fmt: skip
    assert (tmp_path / "a").stat().st_size < 10_000
    before = pa.total_allocated_bytes()
    rows_read = _table(tmp_path / "a", "parquet", ("text",)).rows()
    sizes: list[int] = []
    with pytest.raises(DataError, match=r"^a: unpacks to more than 200 times its size; "):
        sizes.extend(pa.total_allocated_bytes() - before for _ in rows_read)
    assert max(sizes) < 200 << 20


def test_a_column_of_parquet_that_compresses_too_well_is_refused(tmp_path: Path) -> None:
    value = pa.array(["x" * (70 << 20)])
    pq.write_table(pa.table({"text": value}), tmp_path / "a", compression="zstd")
    with pytest.raises(DataError, match=r"^a: unpacks to more than 200 times its size; "):
        next(_table(tmp_path / "a", "parquet", ("text",)).rows())


def test_large_and_small_values_of_parquet_are_read(tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = [draw.randbytes(draw.choice([1, 40, 200_000])).hex() for _ in range(40)] * 3
    pq.write_table(pa.table({"text": texts}), tmp_path / "a", row_group_size=50)
    assert list(_table(tmp_path / "a", "parquet", ("text",)).lines()) == texts
