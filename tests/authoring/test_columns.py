"""The columns of the user's files are found by their names, else by their contents."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlm.authoring.columns import pair_columns, read_sample, text_column
from xlm.config.languages.declared import TABLE
from xlm.errors import DataError

EN, YO = TABLE["en"], TABLE["yo"]


@pytest.fixture
def tsv(tmp_path):
    def write(*rows):
        path = tmp_path / "file.tsv"
        path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
        return read_sample("tsv", path)

    return write


@pytest.fixture
def jsonl(tmp_path):
    def write(*rows):
        path = tmp_path / "file.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return read_sample("jsonl", path)

    return write


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        ([["A sentence."], ["Another one."]], {}),
        ([["1", "A sentence."], ["2", "Another one."]], {"column": 2}),
        ([["id", "text"], ["1", "A sentence."]], {"column": "text"}),
        ([["id", "Yoruba"], ["1", "A sentence."]], {"column": "Yoruba"}),
        ([["id", "body"], ["1", "A sentence."]], {"column": "body"}),
        # A sentence is not a header, although its words could be names.
        ([["Good morning.", "text"], ["A sentence.", "b"]], {}),
    ],
)
def test_the_column_of_text(tsv, rows, settings):
    assert text_column(tsv(*rows), YO) == settings


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        ([["One.", "Kan."], ["Two.", "Meji."]], {}),
        ([["7", "One.", "Kan."], ["8", "Two.", "Meji."]], {"columns": [2, 3]}),
        ([["en", "yo"], ["One.", "Kan."]], {"columns": ["en", "yo"]}),
        ([["yo", "en"], ["Kan.", "One."]], {"columns": ["en", "yo"]}),
        ([["id", "Yoruba", "English"], ["1", "Kan.", "One."]], {"columns": ["English", "Yoruba"]}),
        ([["source", "target"], ["One.", "Kan."]], {"columns": ["source", "target"]}),
    ],
)
def test_the_columns_of_a_pair(tsv, rows, settings):
    assert pair_columns(tsv(*rows), (EN, YO)) == settings


def test_the_order_of_the_languages_decides_about_columns_without_names(tsv):
    sample = tsv(["Kan.", "One."], ["Meji.", "Two."])
    assert pair_columns(sample, (YO, EN)) == {"columns": [2, 1]}


def test_fields_of_json(jsonl):
    assert text_column(jsonl({"id": "a", "text": "One."}), YO) == {}
    assert text_column(jsonl({"id": "a", "meta": {"body": "A sentence."}}), YO) == {
        "column": "meta.body"
    }
    assert pair_columns(jsonl({"translation": {"yo": "Kan.", "en": "One."}}), (EN, YO)) == {}
    assert pair_columns(jsonl({"en": "One.", "yo": "Kan."}), (EN, YO)) == {}
    assert pair_columns(jsonl({"eng": "One.", "yor": "Kan."}), (YO, EN)) == {
        "columns": {"en": "eng", "yo": "yor"}
    }
    # Only one of the two has the name of its language.
    assert pair_columns(jsonl({"eng": "One.", "yoruba_text": "Kan."}), (YO, EN)) == {
        "columns": {"en": "eng", "yo": "yoruba_text"}
    }


def test_columns_of_parquet(tmp_path):
    path = tmp_path / "file.parquet"
    table = pa.table({"n": [1, 2], "url": ["https://a.example/long", "b"], "s": ["One.", "Two."]})
    pq.write_table(table, path)
    assert text_column(read_sample("parquet", path), EN) == {"column": "s"}
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="is damaged, or not a Parquet file"):
        read_sample("parquet", path)


def test_files_without_text_are_refused(tsv, jsonl, tmp_path):
    with pytest.raises(DataError, match=r"no column contains text \(columns: 2 without names\)"):
        text_column(tsv(["1", "2"], ["3", "4"]), YO)
    with pytest.raises(DataError, match=r"there are no two columns of text \(columns: text, id\)"):
        pair_columns(jsonl({"text": "One.", "id": "7"}), (EN, YO))
    (tmp_path / "array.json").write_text("[\n{}\n]")
    with pytest.raises(DataError, match=r"json, line 1: it is not JSON .*; write one object"):
        read_sample("jsonl", tmp_path / "array.json")
    (tmp_path / "wide.tsv").write_text("id\ttext\n1\tOne.\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"wide\.tsv: the text is UTF-16"):
        read_sample("tsv", tmp_path / "wide.tsv")
    (tmp_path / "blank.tsv").write_text("\n \n")
    with pytest.raises(DataError, match="has no rows"):
        read_sample("tsv", tmp_path / "blank.tsv")
