"""`xlm bpe learn` and `xlm bpe apply` in a pipe."""

from pathlib import Path

import pytest

from tests.cli.filter_process import run
from xlm.config.learners import LEARNERS


@pytest.mark.parametrize("learner", LEARNERS)
def test_codes_are_learned_and_applied_in_a_pipe(tmp_path: Path, learner: str) -> None:
    text = b"lower newer lowest\nlow new newest\n" * 5
    codes, said = run("bpe", "learn", "--codes", "4", "--learner", learner, text=text)
    assert said == ""
    assert codes.count(b"\n") == 4
    assert codes.split(b" ")[2].startswith(b"20")  # w e occurs four times in each pair of lines
    (tmp_path / "codes").write_bytes(codes)
    pieces, _ = run("bpe", "apply", "--codes", str(tmp_path / "codes"), text=text)
    assert pieces.decode().replace("@@ ", "") == text.decode()
    assert b"@@ " in pieces


def test_a_text_without_enough_pairs_is_told(tmp_path: Path) -> None:
    codes, said = run("bpe", "learn", "--codes", "50", text=b"ab ab")
    assert codes == b"a b</w> 2\n"
    assert said == "xlm: only 1 of 50 merges: the text has no more pairs\n"
    answer, said = run("bpe", "learn", "--codes", "5", text=b"a b\n", code=1)
    assert (answer, said.count("\n")) == (b"", 1)
    answer, said = run("bpe", "learn", "--codes", "5", "--learner", "fastbp", code=1)
    assert "did you mean 'fastbpe'?" in said


def test_learned_codes_are_the_goldens(shared: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    codes, _ = run("bpe", "learn", "--codes", "2000", text=(golden / "corpus.tok").read_bytes())
    assert codes == (golden / "codes.2000").read_bytes()
    pieces, _ = run(
        *("bpe", "apply", "--codes", golden / "codes.2000"),
        text=(golden / "corpus.tok").read_bytes(),
    )
    assert pieces == (golden / "corpus.bpe").read_bytes()
