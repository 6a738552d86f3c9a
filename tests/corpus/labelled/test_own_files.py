"""Labelled files of the user: formats, and what is refused before a run."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from xlm.config.data.extract import ExtractLabelledSlice
from xlm.config.data.tasks import FilesTask
from xlm.corpus.labelled.own_files import check_files, digests_of, paths_of, rows_of
from xlm.errors import XlmError
from xlm.stages.data.extract_labelled import run

HEADER = "id\tsentence\tlabel\n"
TRAIN = HEADER + "1\tit was good\tpositive\n2\tit was bad\tnegative\n"
COLUMNS = ("sentence", "label")


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def task_of(folder: Path, dev: str | bytes = TRAIN, **changes: Any) -> FilesTask:
    settings = {
        "task": "files",
        "text": "sentence",
        "train": {"en": (training := write(folder / "train.tsv", TRAIN))},
        "dev": {"en": training, "sw": write(folder / "dev.tsv", dev)},
    }
    return FilesTask.model_validate(settings | changes)


def found(path: str) -> list[tuple[tuple[str, ...], str]]:
    return [(row.sentences, row.label) for row in rows_of([Path(path)], COLUMNS, "en")]


def test_all_formats_give_the_same_rows(tmp_path: Path) -> None:
    rows = [('a, "b"', "yes"), ("c", "no")]
    expected = [((sentence,), label) for sentence, label in rows]
    tsv = "\ufefflabel\tsentence\r\n" + "".join(f"{label}\t{text}\r\n" for text, label in rows)
    csv = 'sentence,label\n"a, ""b""",yes\nc,no\n'
    lines = "".join(json.dumps({"sentence": s, "label": n}) + "\n" for s, n in rows)
    assert found(write(tmp_path / "a.tsv", tsv)) == expected
    assert found(write(tmp_path / "a.tsv.gz", gzip.compress(tsv.encode()))) == expected
    assert found(write(tmp_path / "a.tsv.zst", zstandard.compress(tsv.encode()))) == expected
    assert found(write(tmp_path / "a.csv", csv)) == expected
    assert found(write(tmp_path / "a.jsonl", lines)) == expected
    table = pa.table({"sentence": [s for s, _ in rows], "label": [1, 0], "other": [None, 2]})
    names = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["no", "yes"]}}}}
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps(names)}), tmp_path / "a.parquet"
    )
    assert found(str(tmp_path / "a.parquet")) == expected


def test_line_breaks_in_a_sentence_become_spaces_and_numbers_are_labels(tmp_path: Path) -> None:
    content = write(tmp_path / "a.jsonl", '{"sentence": "a\\n\\tb", "label": 3}\n')
    assert found(content) == [(("a b",), "3")]


@pytest.mark.parametrize(
    ("dev", "message"),
    [
        ("id\ttext\tlabel\n1\ta\tpositive\n", "has no column 'sentence'; it has id, text, label"),
        (HEADER, "dev.tsv: no rows"),
        ("", "dev.tsv is empty"),
        (HEADER + "1\ta\tmixed\n", "line 2: the label 'mixed' does not occur in the training rows"),
        (HEADER + "1\ta\n", "line 2: 2 columns, but the header has 3"),
        (HEADER + "1\t\tpositive\n", "line 2: an empty sentence"),
        (HEADER + "1\ta\t\n", "line 2: the label is empty"),
        (HEADER.encode() + b"1\t\xe9t\xe9 bad\tpositive\n", "line 2: not UTF-8, probably"),
        (HEADER.encode("utf-16"), "UTF-16"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(
    tmp_path: Path, dev: str | bytes, message: str
) -> None:
    with pytest.raises(XlmError) as caught:
        check_files(task_of(tmp_path, dev))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", 'sentence,label\na,yes\n"b,no\n', "line 3: not CSV"),
        ("a.csv", "sentence,label\n\na,b,yes\n", "line 3: 3 columns, but the header has 2"),
        ("a.csv", b"sentence,label\n\xe9,yes\n", "line 2: not UTF-8, probably"),
        ("a.tsv", "sentence\tlabel\n\n", "line 2: the line is empty; remove it"),
        ("a.tsv", "sentence\tlabel\tlabel\na\tb\tc\n", "a.tsv has two columns 'label'; rename"),
        ("a.csv", "sentence,sentence,label\na,b,c\n", "a.csv has two columns 'sentence'; rename"),
        ("a.jsonl", '{"sentence": "a", "label": NaN}\n', "line 1: label has no value"),
        ("a.jsonl", f'{{"sentence": {"9" * 5000}}}\n', "not JSON (a number has too many digits)"),
        ("a.tsv", "sentence\tlabel\na\0b\tyes\n", "line 2: a NUL character"),
        ("a.tsv", "\n", "a.tsv: the file is empty; add a header"),
        ("a.jsonl", '{"sentence": "a", "label": null}\n', "line 1: label has no value"),
        ("a.jsonl", '{"sentence": ["a"], "label": 1}\n', "line 1: sentence is not text"),
        ("a.jsonl", '{"sentence": "\\ud800", "label": 1}\n', "line 1: an escape is half of a"),
        ("a.jsonl", "\n[1]\n", "line 2: it is a list, not an object; write one object per line"),
        ("a.jsonl", '{"label": 1}\n', "line 1: no field 'sentence'; it has label; name one of"),
    ],
)
def test_the_first_fault_of_a_row_is_an_error(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(XlmError) as caught:
        found(write(tmp_path / name, content))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("sentences", "labels", "message"),
    [
        (pa.array(["a", "b"]), pa.array([1, None]), "row 2: label has no value"),
        (pa.array(["a", "b"]), pa.array([1.0, float("nan")]), "row 2: label has no value"),
        (
            pa.array([b"a", b"\xff"], pa.binary()).view(pa.string()),
            pa.array([1, 2]),
            "row 2: not UTF",
        ),
        (pa.array([b"a", b"b"]), pa.array([1, 2]), "column 'sentence' is binary, not text"),
    ],
)
def test_the_first_fault_of_parquet_is_an_error(
    tmp_path: Path, sentences: pa.Array, labels: pa.Array, message: str
) -> None:
    pq.write_table(pa.table({"sentence": sentences, "label": labels}), tmp_path / "a.parquet")
    with pytest.raises(XlmError, match=message):
        found(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("positive", "neutral")}, "train.tsv, line 3: the label 'negative' is not one"),
        ({"labels": ("positive", "negative", "x")}, "no training row has the label 'x'"),
        ({"test": {"en": "missing.tsv"}}, "classify.test.en: missing.tsv does not exist"),
        ({"test": {"en": "none-*.tsv"}}, "none-*.tsv matches no file"),
    ],
)
def test_labels_and_files_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(XlmError) as caught:
        check_files(task_of(tmp_path, **changes))
    assert message in str(caught.value)


def test_a_language_may_have_a_test_file_only(tmp_path: Path, make_context: Any) -> None:
    rows = HEADER + "1\ta\tpositive\n"
    task = task_of(tmp_path, test={"yo": write(tmp_path / "test.tsv", rows)})
    check_files(task)
    assert task.languages(("en", "fr", "sw", "yo")) == ("en", "sw", "yo")
    paths = paths_of(task, "yo")
    context = make_context(
        ExtractLabelledSlice(
            task="files",
            language="yo",
            splits=task.splits("yo"),
            columns=COLUMNS,
            contents=digests_of(task, paths, "yo"),
            paths={split: tuple(map(str, files)) for split, files in paths.items()},
        )
    )
    assert run(context).counts == {"test_rows": 1, "test_positive": 1}
    assert (context.out / "test.tsv").read_text() == "a\tpositive\n"
    assert [path.name for path in context.out.iterdir()] == ["test.tsv"]


def test_the_key_has_the_contents_and_not_the_path(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = task_of(tmp_path), task_of(tmp_path / "other")
    changed = task_of(tmp_path, TRAIN + "3\tc\tpositive\n")
    digests = [digests_of(task, paths_of(task, "en"), "en") for task in (one, other)]
    assert digests[0] == digests[1]
    assert digests_of(changed, paths_of(changed, "sw"), "sw") != {"valid": digests[0]["train"]}


@pytest.mark.parametrize("twin", ["Positive", "positive\u200b", "\uff50ositive", "POSITIVE"])
def test_labels_that_look_the_same_are_refused_unless_they_are_named(
    tmp_path: Path, twin: str
) -> None:
    training = write(tmp_path / "twins.tsv", TRAIN + f"3\tso good\t{twin}\n")
    with pytest.raises(XlmError, match=r"line 4: .* only in case, spaces or Unicode form"):
        check_files(task_of(tmp_path, train={"en": training}))
    check_files(task_of(tmp_path, train={"en": training}, labels=("positive", "negative", twin)))
