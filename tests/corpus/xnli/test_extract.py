"""NLI pairs of XNLI and MultiNLI."""

import zipfile

import pytest

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.corpus.xnli.archives import training_rows
from xlm.errors import DataError
from xlm.stages.data.extract_xnli import run

_OFFICIAL = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse "
    "sentence2_parse sentence1 sentence2 promptID pairID genre label1 label2 label3 label4 label5 "
    "sentence1_tokenized sentence2_tokenized match"
)
COLUMNS = _OFFICIAL.split()


def _table(rows, columns=COLUMNS):
    lines = ["\t".join(columns), *("\t".join(row) for row in rows)]
    return "".join(f"{line}\n" for line in lines)


def _row(language, label, premise, hypothesis):
    fields = dict.fromkeys(COLUMNS, "")
    fields |= {"language": language, "gold_label": label}
    fields |= {"sentence1": premise, "sentence2": hypothesis}
    return list(fields.values())


ROWS = [
    _row("sw", "neutral", 'A "quoted', "b"),
    _row("en", "entailment", "A", "b"),
    _row("sw", "contradiction", "C\u2028c", "d"),
    _row("sw", "entailment", "E", "f"),
]


def _zip(folder, members):
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder


def _xnli(folder, dev=None, test=None):
    dev = _table(ROWS) if dev is None else dev
    test = _table(ROWS) if test is None else test
    return _zip(folder, {"XNLI-1.0/xnli.dev.tsv": dev, "XNLI-1.0/xnli.test.tsv": test})


def _multinli(folder, text, language="en"):
    return _zip(folder, {f"XNLI-MT-1.0/multinli/multinli.train.{language}.tsv": text})


def _context(make_context, language="sw", train=None, evaluation=None, **inputs):
    config = ExtractXnliSlice(
        language=language,
        train=language == "en",
        max_train_rows=train,
        max_eval_rows=evaluation,
    )
    return make_context(config, language, **inputs)


def test_rows_of_one_language_are_copied_unchanged(make_context, tmp_path):
    context = _context(make_context, xnli=_xnli(tmp_path / "x"))
    result = run(context)
    expected = 'A "quoted\tb\tneutral\nC\u2028c\td\tcontradiction\nE\tf\tentailment\n'
    assert (context.out / "valid.tsv").read_bytes().decode() == expected
    assert (context.out / "test.tsv").read_bytes().decode() == expected
    assert result.counts["valid_rows"] == 3
    assert result.counts["test_neutral"] == 1
    assert not (context.out / "train.tsv").exists()


def test_columns_are_found_by_their_names(make_context, tmp_path):
    columns = ["sentence2", "language", "gold_label", "sentence1"]
    text = _table([["b", "sw", "neutral", "a"]], columns)
    context = _context(make_context, xnli=_xnli(tmp_path / "x", text, text))
    run(context)
    assert (context.out / "test.tsv").read_text() == "a\tb\tneutral\n"


def test_english_also_has_training_rows(make_context, tmp_path):
    text = _table(
        [["p 1", "h 1", "contradictory"], ["", "h", "neutral"], ["p 2", "h 2", "neutral"]],
        ["premise", "hypo", "label"],
    )
    multinli = _multinli(tmp_path / "m", text)
    context = _context(make_context, "en", xnli=_xnli(tmp_path / "x"), multinli=multinli)
    result = run(context)
    assert (context.out / "train.tsv").read_text() == (
        "p 1\th 1\tcontradiction\np 2\th 2\tneutral\n"
    )
    assert result.counts["train_rows"] == 2
    assert result.counts["train_empty"] == 1


def test_caps_take_the_first_rows(make_context, tmp_path):
    text = _table([[f"p{n}", "h", "neutral"] for n in range(9)], ["premise", "hypo", "label"])
    context = _context(
        make_context,
        "en",
        4,
        1,
        xnli=_xnli(tmp_path / "x"),
        multinli=_multinli(tmp_path / "m", text),
    )
    assert run(context).counts["train_rows"] == 4
    capped = _context(make_context, "sw", None, 2, xnli=_xnli(tmp_path / "x"))
    assert run(capped).counts["test_rows"] == 2


def test_training_rows_of_other_languages_are_read(tmp_path):
    text = _table([["p", "h", "neutral"]], ["premise", "hypo", "label"])
    folder = _multinli(tmp_path / "m", text, "sw")
    (row,) = training_rows(folder / "archive.zip", "sw", None)
    assert (row.premise, row.hypothesis, row.label) == ("p", "h", "neutral")
    with pytest.raises(DataError, match=r"no member multinli\.train\.fr\.tsv; it has .*sw\.tsv"):
        list(training_rows(folder / "archive.zip", "fr", None))


def test_the_name_of_the_archive_does_not_matter(make_context, tmp_path):
    """The URL may end in `...?file=XNLI`; the download checked the content."""
    folder = _xnli(tmp_path / "x")
    (folder / "archive.zip").rename(folder / "XNLI-1.0.zip?download=1")
    assert run(_context(make_context, xnli=folder)).counts["valid_rows"] == 3


def test_an_empty_language_is_refused(make_context, tmp_path):
    with pytest.raises(DataError, match="XNLI has no valid pairs in fr"):
        run(_context(make_context, "fr", xnli=_xnli(tmp_path / "x")))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([_row("sw", "maybe", "a", "b")], r"xnli\.dev\.tsv, line 2: unknown label 'maybe'"),
        ([_row("sw", "neutral", " ", "b")], "line 2: an empty sentence"),
        ([_row("sw", "neutral", "a", "b")[:-1]], "line 2: 18 columns, but the header has 19"),
    ],
)
def test_broken_rows_are_named(make_context, tmp_path, rows, why):
    with pytest.raises(DataError, match=why):
        run(_context(make_context, xnli=_xnli(tmp_path / "x", _table(rows))))


def test_bytes_that_are_not_utf8_are_named(make_context, tmp_path):
    dev = _table(ROWS).encode() + b"\xff\n"
    with pytest.raises(DataError, match=r"line 6: not UTF-8.*`xlm store verify`"):
        run(_context(make_context, xnli=_xnli(tmp_path / "x", dev)))


@pytest.mark.parametrize("change", [
    lambda text: text.replace("\n", "\r").encode(),
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: text.encode("utf-8-sig"),
])  # fmt: skip
def test_other_line_ends_and_a_mark_change_no_row(make_context, tmp_path, change):
    expected = _context(make_context, xnli=_xnli(tmp_path / "a"))
    run(expected)
    (tmp_path / "b").mkdir()
    context = make_context(expected.config, name="other")
    context.inputs["xnli"] = _xnli(
        tmp_path / "b", dev=change(_table(ROWS)), test=change(_table(ROWS))
    )
    run(context)
    for name in ("valid.tsv", "test.tsv"):
        assert (context.out / name).read_bytes() == (expected.out / name).read_bytes()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_tables_are_refused(make_context, tmp_path, encoding):
    folder = _xnli(tmp_path / "x", dev=_table(ROWS).encode(encoding))
    with pytest.raises(DataError, match=r"xnli\.dev\.tsv: the text is UTF-(16|32)-LE"):
        run(_context(make_context, xnli=folder))


@pytest.mark.parametrize("text", ["", "a\tb\nc\td\n"])
def test_a_table_without_the_columns_is_refused(make_context, tmp_path, text):
    with pytest.raises(DataError, match="no column language, sentence1, sentence2, gold_label"):
        run(_context(make_context, xnli=_xnli(tmp_path / "x", text)))


def test_a_missing_member_is_named(make_context, tmp_path):
    folder = _zip(tmp_path / "x", {"XNLI-1.0/readme.txt": ""})
    with pytest.raises(DataError, match=r"no member xnli\.dev\.tsv; it has XNLI-1\.0/readme"):
        run(_context(make_context, xnli=folder))


@pytest.mark.slow
@pytest.mark.parametrize("language", XNLI_LANGUAGES)
def test_the_samples_have_300_rows_per_language(shared, make_context, language):
    folder = shared / "mirror" / "dl.fbaipublicfiles.com" / "XNLI"
    context = _context(make_context, language, 2000)
    for name, archive in (("xnli", "XNLI-1.0.zip"), ("multinli", "XNLI-MT-1.0.zip")):
        inputs = context.scratch / name
        inputs.mkdir()
        (inputs / archive).write_bytes((folder / archive).read_bytes())
        context.inputs[name] = inputs
    counts = run(context).counts
    assert (counts["valid_rows"], counts["test_rows"]) == (300, 300)
    assert min(counts[f"test_{label}"] for label in ("neutral", "entailment")) > 50
    if language == "en":
        assert counts["train_rows"] == 2000
        assert "\tcontradiction\n" in (context.out / "train.tsv").read_text(encoding="utf-8")
