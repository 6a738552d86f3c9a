"""Tokenizing files; segmenter libraries must not write files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.errors import DataError
from xlm.text.tokenize_files import tokenize_labelled, tokenize_text


def test_only_newlines_separate_lines(tmp_path: Path) -> None:
    source, target = tmp_path / "raw", tmp_path / "tokens"
    source.write_bytes("A\u2028b\x85c\r\n\n\nLast, line".encode())
    counts = tokenize_text(source, target, language="en", segmenters={})
    lines = target.read_bytes().decode().split("\n")
    assert [line.split() for line in lines] == [["a", "b", "c"], [], [], ["last", ",", "line"], []]
    assert counts == {"lines": 4, "tokens": 6}


def test_invalid_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    source = tmp_path / "train.00000.txt"
    source.write_bytes(b"fine\nbroken \xff\n")
    with pytest.raises(DataError, match=r"train\.00000\.txt, line 2: not UTF-8"):
        tokenize_text(source, tmp_path / "out", language="en", segmenters={})


def test_training_rows_of_xnli_are_not_tokenized_twice(tmp_path: Path) -> None:
    source = tmp_path / "rows.tsv"
    source.write_text("Can 't wait .\tÉté U.S . )\tneutral\n", encoding="utf-8")
    for already, expected in (
        (True, "can 't wait .\tete u.s . )\tneutral\n"),
        (False, "can ' t wait .\tete u.s. )\tneutral\n"),
    ):
        target = tmp_path / "out.tsv"
        counts = tokenize_labelled(
            source, target, language="en", segmenters={}, already_tokenized=already
        )
        found = target.read_text(encoding="utf-8")
        assert (found == expected) is already
        assert counts["lines"] == 1


def test_case_and_accents_can_be_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.tsv", tmp_path / "out.tsv"
    source.write_text("Été, Ωδή\tM. Ă\tneutral\n", encoding="utf-8")
    for already, expected in ((True, "Été, Ωδή\tM. Ă"), (False, "Été , Ωδή\tM. Ă")):
        tokenize_labelled(
            source,
            target,
            language="fr",
            segmenters={},
            already_tokenized=already,
            cased=True,
        )
        assert target.read_text(encoding="utf-8") == f"{expected}\tneutral\n"
    source.write_text("សិស្សអានសៀវភៅ, Été\n", encoding="utf-8")
    tokenize_text(source, target, language="km", segmenters={"km": "icu"}, cased=True)
    assert target.read_text(encoding="utf-8") == "សិស្ស អាន សៀវភៅ , Été\n"


def test_a_row_without_a_sentence_is_reported(tmp_path: Path) -> None:
    source = tmp_path / "rows.tsv"
    source.write_text("only one\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 1 has 1 fields, not 2 or 3"):
        tokenize_labelled(
            source, tmp_path / "out", language="en", segmenters={}, already_tokenized=False
        )


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [False, True])
def test_segmenters_write_no_files(tmp_path: Path, legacy: bool) -> None:
    """By default, jieba writes to the temporary directory, and PyThaiNLP to the home."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    for directory in (home, temporary):
        directory.chmod(0o555)
    program = (
        "from xlm.text.chain import tokenizer_for\n"
        "print(tokenizer_for('zh', {'zh': 'jieba'})('我来到北京'))\n"
        "print(tokenizer_for('th', {'th': 'newmm'})('สวัสดีครับ'))\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONUTF8": "1",
    }
    if legacy:
        environment["PYTHAINLP_READ_MODE"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stdout.split("\n")[:1] == ["我 来到 北京"], done.stderr
    assert len(done.stdout.split("\n")) == 3
    # Permissions do not stop root, so check that nothing was written.
    assert list(home.iterdir()) == []
    assert list(temporary.iterdir()) == []
