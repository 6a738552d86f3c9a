"""`xlm bpe vocab`, `xlm bpe apply --vocab`, and warnings about unknown tokens."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.text.filter_process import encode_arguments, run
from xlm.bpe.learning.learners import find_fastbpe


def test_counts_are_the_goldens(shared: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    counts, errors = run("bpe", "vocab", text=(golden / "corpus.bpe").read_bytes())
    assert (counts, errors) == ((golden / "vocab.2000").read_bytes(), "")


@pytest.mark.slow
def test_counts_are_those_of_the_original(tmp_path: Path) -> None:
    text = "b a@@ b\n\n  a\u00a0c é é\tx \u2028 b\n\r b\n".encode()
    (tmp_path / "text").write_bytes(text)
    command = [str(find_fastbpe()), "getvocab", str(tmp_path / "text")]
    expected = subprocess.run(command, capture_output=True, check=True).stdout
    assert run("bpe", "vocab", text=text)[0] == expected
    assert run("bpe", "vocab", text=text.removesuffix(b"\n"))[0] == expected


@pytest.mark.slow
def test_a_text_without_pieces_is_one_line() -> None:
    assert run("bpe", "vocab", text=b"\n \n", code=1)[1].count("\n") == 1
    errors = run("bpe", "vocab", text=b"a\n\xff\n", code=1)[1]
    assert errors.startswith("xlm: standard input, line 2: not UTF-8")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_apply_with_a_vocabulary_cuts_rare_pieces(model: Path, jobs: str) -> None:
    command = ("bpe", "apply", "--jobs", jobs, "--codes", model / "codes")
    assert run(*command, text=b"hablo\n")[0] == b"hab@@ lo\n"
    with_vocab = (*command, "--vocab", model / "vocab")
    assert run(*with_vocab, text=b"hablo\n")[0] == b"hab@@ lo\n"
    assert run(*with_vocab, "--threshold", "10", text=b"hablo\n")[0] == b"hab@@ l@@ o\n"
    errors = run(*with_vocab, "--threshold", "91", text=b"hablo\n", code=1)[1]
    assert "no token occurs 91 times or more; lower --threshold" in errors
    assert "--threshold without --vocab" in run(*command, "--threshold", "3", code=1)[1]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_many_unknown_tokens_are_a_warning(model: Path, jobs: str) -> None:
    command = (*encode_arguments(model), "--tokenized", "--jobs", jobs)
    known = b"lo ! i\n" * 100
    assert run(*command, text=known + b"zz\n")[1] == ""
    errors = run(*command, text=known + b"zz zz\n" * 10)[1]
    assert errors.startswith("xlm: warning: standard input: 40 of 340 tokens (11.8%) are unknown")


@pytest.mark.slow
def test_a_first_token_with_other_white_space_is_read(model: Path) -> None:
    lines = (model / "vocab").read_text(encoding="utf-8")
    (model / "vocab").write_text("a\u00a0b@@ 99\nc\u2003d 98\n" + lines, encoding="utf-8")
    output, errors = run(*encode_arguments(model), "--tokenized", text=b"hablo !\n")
    # Such a token takes no id, as in the original.
    assert (output, errors) == (b"14 16 17\n", "")
