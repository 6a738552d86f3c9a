"""`xlm predict`: rows in, labels out, in order; invalid rows are named."""

import csv
import gzip
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.inference.small_models import LANGUAGES, TEXTS
from xlm.cli.inference.predict import predict, the_file
from xlm.errors import ConfigError, DataError
from xlm.inference.load import load
from xlm.inference.model import Model

Write = Callable[[Sequence[str]], Path]
ROWS = [f"{TEXTS[code][0]}\t{TEXTS[code][1]}\t{code}" for code in LANGUAGES]
HEADER = "label\tcontradiction\tneutral\tentailment\n"


def expected(model: Model, count: int = len(LANGUAGES)) -> list[str]:
    """The line of each row."""
    first, second = ([texts[side] for texts in TEXTS.values()] for side in (0, 1))
    return [
        "\t".join([one.label, *(f"{share:.6f}" for share in one.probabilities.values())])
        for one in model.predict(first, second, language=LANGUAGES)
    ][:count]


def test_each_row_has_its_language(
    model: Model, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    predict(model, [str(write(ROWS))], None, as_json=False)
    assert capfd.readouterr().out == HEADER + "\n".join(expected(model)) + "\n"


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("premise\thypothesis\tlanguage", (0, 1, 2)),
        ("Language\tid\tsentence1\tlabel\tsentence2", (2, None, 0, None, 1)),
    ],
)
def test_a_first_line_may_name_the_columns(
    model: Model,
    write: Write,
    capfd: pytest.CaptureFixture[str],
    header: str,
    order: tuple[int | None, ...],
) -> None:
    fields = [row.split("\t") for row in ROWS]
    rows = ["\t".join("x" if place is None else row[place] for place in order) for row in fields]
    predict(model, [str(write([header, *rows]))], None, as_json=False)
    assert capfd.readouterr().out.splitlines()[1:] == expected(model)


def test_one_pair_is_given_on_the_command_line(
    model: Model, capfd: pytest.CaptureFixture[str]
) -> None:
    predict(model, TEXTS["sw"], "sw", as_json=True)
    (line,) = capfd.readouterr().out.splitlines()
    found = json.loads(line)
    ours = model.predict(*TEXTS["sw"], language="sw")
    assert found["label"] == ours.label
    assert found["probabilities"] == pytest.approx(ours.probabilities, abs=1e-6)


@pytest.mark.parametrize(
    ("lines", "language", "message"),
    [
        (["a\tb"], None, "line 1 has 2 fields, not 3; write premise, hypothesis, language"),
        (["a\tb", "a b"], "en", "line 2 has 1 fields, not 2; separate fields by one tab"),
        (["a\tb\ten", "a\tb\tqq"], None, "line 2: the model has no language 'qq'; use one of ar"),
        (["a\tb\ten", "a\t \ten"], None, "line 2: the second text is empty; remove the line"),
        (["premise\thypothesis"], None, "line 1 has no column `language`; add it, or pass --lang"),
        (["premise\tlanguage"], None, "line 1 has no column `hypothesis`; add it: the model"),
        (["premise\thypothesis\tlanguage"], "en", "line 1 has a column `language`; leave out"),
    ],
)
def test_an_invalid_file_is_refused_before_the_first_prediction(
    model: Model,
    write: Write,
    capfd: pytest.CaptureFixture[str],
    lines: list[str],
    language: str | None,
    message: str,
) -> None:
    path = write(lines)
    with pytest.raises((ConfigError, DataError), match=re.escape(f"{path}, {message}")):
        predict(model, [str(path)], language, as_json=False)
    assert capfd.readouterr().out == ""


def test_a_text_without_tokens_follows_the_predictions_before_it(
    model: Model, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write([*ROWS[:2], "\u200b\tb\ten", ROWS[3]])
    with pytest.raises(DataError, match="line 3 has no tokens"):
        predict(model, [str(path)], None, as_json=False)
    assert capfd.readouterr().out.splitlines()[1:] == expected(model, 2)


def test_a_file_that_does_not_exist_is_not_a_text(model: Model) -> None:
    for name in ("pairs.tsv", "/data/pairs", "a/b.txt.gz"):
        with pytest.raises(ConfigError, match=f"{name} does not exist; pass the path of a file"):
            predict(model, [name], "en", as_json=False)
    assert the_file(["The file is pairs.tsv"]) is None
    assert the_file(["x" * 9_999]) is None
    assert the_file(["and/or"]) is None


def test_a_classifier_of_single_sentences_takes_no_pairs(
    single_model: Model, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="single sentences; leave out the hypotheses"):
        predict(single_model, ["A.", "B."], "en", as_json=False)
    with pytest.raises(DataError, match="line 1 has 2 fields, not 1; write text alone"):
        predict(single_model, [str(write(["a\tb"]))], "en", as_json=False)
    predict(single_model, [str(write(["text\thypothesis", "A.\tB."]))], "en", as_json=False)
    alone = single_model.predict("A.", language="en")
    assert capfd.readouterr().out.splitlines()[1].startswith(f"{alone.label}\t")


def table(tmp_path: Path, suffix: str, rows: Sequence[Sequence[str]], header: str) -> Path:
    """A table with these rows; `header` names the columns."""
    path, names = tmp_path / f"rows{suffix}", header.split()
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(records)
    elif suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path)
    else:
        lines = "".join(json.dumps(record) + "\n" for record in records)
        opened = gzip.open if suffix.endswith(".gz") else open
        with opened(path, "wt", encoding="utf-8") as file:
            file.write(lines)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".jsonl.gz", ".parquet"])
def test_tables_are_read_by_the_names_of_their_columns(
    model: Model, tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str
) -> None:
    rows = [(code, "x", *TEXTS[code][::-1]) for code in LANGUAGES]
    path = table(tmp_path, suffix, rows, "Language label sentence2 sentence1")
    predict(model, [str(path)], None, as_json=False)
    assert capfd.readouterr().out == HEADER + "\n".join(expected(model)) + "\n"


@pytest.mark.parametrize(
    ("header", "row", "language", "message"),
    [
        ("premise hypothesis", "ab", None, " has no column `language`; add it, or pass --lang"),
        ("premise hypothesis lang", "abe", "en", " has a column `language`; leave out --lang"),
        ("premise label", "ab", "en", " has no column `hypothesis`; add it: the model classifies"),
        ("a b", "ab", "en", " has no column of texts; it has a, b; name it text, or premise and"),
        ("premise hypothesis", "a ", "en", ", line 1: the second text is empty; remove the line"),
        ("premise hypothesis lang", "abq", None, ", line 1: the model has no language 'q'"),
    ],
)
def test_an_invalid_table_is_refused_before_the_first_prediction(
    model: Model,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    header: str,
    row: str,
    language: str | None,
    message: str,
) -> None:
    path = table(tmp_path, ".jsonl", [row], header)
    with pytest.raises((ConfigError, DataError), match=re.escape(f"{path}{message}")):
        predict(model, [str(path)], language, as_json=False)
    assert capfd.readouterr().out == ""


def test_a_pair_needs_its_language_and_a_model_with_a_classifier(
    model: Model, release: Path
) -> None:
    with pytest.raises(ConfigError, match="the language of the text is not known; pass --lang"):
        predict(model, ["A.", "B."], None, as_json=False)
    with pytest.raises(ConfigError, match="3 texts; pass a premise and a hypothesis"):
        predict(model, ["A.", "B.", "C."], "en", as_json=False)
    with pytest.raises(ConfigError, match="classifies pairs of sentences; pass hypotheses too"):
        predict(model, ["A."], "en", as_json=False)
    with pytest.raises(ConfigError, match="masked-lm has no classifier; use a fine-tuned model"):
        predict(load(release / "masked-lm"), ["A.", "B."], "en", as_json=False)
