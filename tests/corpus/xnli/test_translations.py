"""English translations of XNLI's rows in XNLI-MT."""

from pathlib import Path
from typing import Any

import pytest

from tests.corpus.xnli.test_extract import _row, _table, _xnli, _zip
from xlm.config.data.extract import ExtractXnliSlice
from xlm.corpus.xnli.translations import require_members
from xlm.errors import DataError
from xlm.stages.data.extract_xnli import run

COLUMNS = ["premise", "hypo", "label"]
ENGLISH = [["A quoted", "b", "neutral"], ["C", "d", "contradictory"], ["E", "f", "entailment"]]
WRITTEN = "A quoted\tb\tneutral\nC\td\tcontradiction\nE\tf\tentailment\n"


def _own(rows: list[list[str]] = ENGLISH, split: str = "test") -> dict[str, str]:
    return {f"XNLI-MT-1.0/xnli/xnli.{split}.sw.en.tsv": _table(rows, COLUMNS)}


def _joint(split: str = "test") -> dict[str, str]:
    """The rows of two languages in one file; those of sw as in `ENGLISH`."""
    sw = [_row("sw", label.replace("dictory", "diction"), *text) for *text, label in ENGLISH]
    rows = [sw[0], _row("ar", "neutral", "x", "y"), *sw[1:]]
    return {f"XNLI-MT-1.0/xnli/xnli.{split}.en.tsv": _table(rows)}


def _context(make_context: Any, folder: Path, members: dict[str, str], rows: int | None = None):
    config = ExtractXnliSlice(
        language="sw", train=False, max_train_rows=None, max_eval_rows=rows, in_english=True
    )
    inputs = {"xnli": _xnli(folder / "x"), "multinli": _zip(folder / "m", members)}
    return make_context(config, "sw-en", **inputs)


@pytest.mark.parametrize("members", [_own(), _joint(), _own() | _joint("dev")])
def test_row_i_translates_row_i_of_xnli(make_context, tmp_path, members) -> None:
    context = _context(make_context, tmp_path, members)
    counts = run(context).counts
    assert (context.out / "test.tsv").read_text() == WRITTEN
    has_dev = len(members) == 2
    assert counts["test_rows"] == 3
    assert (context.out / "valid.tsv").exists() == has_dev
    assert not (context.out / "train.tsv").exists()


def test_the_limit_takes_the_first_rows_of_a_complete_translation(make_context, tmp_path) -> None:
    context = _context(make_context, tmp_path / "a", _own(), rows=2)
    assert run(context).counts["test_rows"] == 2
    assert (context.out / "test.tsv").read_text() == "".join(WRITTEN.splitlines(True)[:2])
    with pytest.raises(DataError, match=r"test\.sw\.en\.tsv translates 2 rows of sw, but .* has 3"):
        run(_context(make_context, tmp_path / "b", _own(ENGLISH[:2]), rows=2))


def test_a_row_without_text_keeps_its_place(make_context, tmp_path) -> None:
    context = _context(make_context, tmp_path, _own([["", "b", "neutral"], *ENGLISH[1:]]))
    assert run(context).counts["test_empty"] == 1
    assert (context.out / "test.tsv").read_text() == WRITTEN.removeprefix("A quoted")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (_own([*ENGLISH, ENGLISH[0]]), r"sw\.en\.tsv translates 4 rows of sw, but xnli\.test\.tsv"),
        (
            _own([ENGLISH[0], ENGLISH[2], ENGLISH[1]]),
            r"sw\.en\.tsv, line 3: the label is entailment, but that of row 2 of sw in "
            r"xnli\.test\.tsv is contradiction",
        ),
        (
            {"XNLI-MT-1.0/readme.txt": ""},
            r"archive\.zip: no member xnli\.test\.sw\.en\.tsv or xnli\.test\.en\.tsv; it has "
            r"XNLI-MT-1\.0/readme\.txt; .*remove translate-test from xnli\.settings",
        ),
        (
            {"XNLI-MT-1.0/xnli/xnli.test.en.tsv": _table([_row("en", "neutral", "a", "b")])},
            r"xnli\.test\.en\.tsv has no rows of sw; ",
        ),
        (_own(split="dev"), r"no member xnli\.test\.sw\.en\.tsv or xnli\.test\.en\.tsv"),
    ],
)
def test_other_rows_than_those_of_xnli_are_refused(make_context, tmp_path, members, why) -> None:
    with pytest.raises(DataError, match=why):
        run(_context(make_context, tmp_path, members))


def test_missing_members_are_named_before_anything_is_read(tmp_path) -> None:
    members = _own() | {"multinli.train.sw.tsv": "", "multinli.train.en.tsv": ""}
    path = _zip(tmp_path, members) / "archive.zip"
    require_members(path, ("en", "sw"), ("sw",))
    with pytest.raises(DataError, match=r"no member multinli\.train\.ar\.tsv; it has .*classify"):
        require_members(path, ("ar", "sw"), ())
    with pytest.raises(DataError, match=r"no member xnli\.test\.ar\.en\.tsv or"):
        require_members(path, ("sw",), ("ar", "sw"))
    path.write_bytes(b"damaged")
    require_members(path, ("ar",), ("ar",))
