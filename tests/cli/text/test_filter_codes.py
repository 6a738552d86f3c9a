"""`xlm bpe learn` and `xlm bpe apply` in a pipe."""

import time
from pathlib import Path

import pytest

from tests.cli.text.filter_process import run
from xlm.bpe.learning.learners import learn_merges
from xlm.cli.progress_lines import ProgressLines
from xlm.config.data.learners import LEARNERS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("learner", LEARNERS)
def test_codes_are_learned_and_applied_in_a_pipe(tmp_path: Path, learner: str) -> None:
    text = b"lower newer lowest\nlow new newest\n" * 5
    codes, errors = run("bpe", "learn", "--codes", "4", "--learner", learner, text=text)
    assert errors == ""
    assert codes.count(b"\n") == 4
    assert codes.split(b" ")[2].startswith(b"20")  # w e occurs four times in each pair of lines
    (tmp_path / "codes").write_bytes(codes)
    encoded, _ = run("bpe", "apply", "--codes", str(tmp_path / "codes"), text=text)
    assert encoded.decode().replace("@@ ", "") == text.decode()
    assert b"@@ " in encoded


def test_a_text_without_enough_pairs_is_reported(tmp_path: Path) -> None:
    codes, errors = run("bpe", "learn", "--codes", "50", text=b"ab ab")
    assert codes == b"a b</w> 2\n"
    assert errors == "xlm: only 1 of 50 merges: the text has no more pairs\n"
    output, errors = run("bpe", "learn", "--codes", "5", text=b"a b\n", code=1)
    assert (output, errors.count("\n")) == (b"", 1)
    output, errors = run("bpe", "learn", "--codes", "5", "--learner", "fastbp", code=1)
    assert "did you mean 'fastbpe'?" in errors


def test_learned_codes_are_the_goldens(shared: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    codes, _ = run("bpe", "learn", "--codes", "2000", text=(golden / "corpus.tok").read_bytes())
    assert codes == (golden / "codes.2000").read_bytes()
    encoded, _ = run(
        *("bpe", "apply", "--codes", golden / "codes.2000"),
        text=(golden / "corpus.tok").read_bytes(),
    )
    assert encoded == (golden / "corpus.bpe").read_bytes()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lines_of_the_learner_are_not_printed(tmp_path: Path, jobs: str) -> None:
    """fastBPE prints `Loading codes from ...` and `Read 1 words ...`."""
    text = b"lower newer lowest\n" * 5
    codes, errors = run("bpe", "learn", "--codes", "2", text=text)
    assert errors == ""
    (tmp_path / "codes").write_bytes(codes)
    _, errors = run(*("bpe", "apply", "--codes", tmp_path / "codes", "--jobs", jobs), text=text)
    assert errors == ""


def test_a_warning_of_the_learner_has_our_prefix() -> None:
    _, errors = run("bpe", "learn", "--codes", "2", text=b"ab" * 6_000 + b"\n")
    assert errors.startswith("xlm: warning: the longest word has 12000 bytes")
    assert errors.count("\n") == 1


def test_long_learning_prints_its_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """Merges are written at the end, all at once: a pipe was silent for hours before."""
    beginning = "reading and counting words"
    with ProgressLines(
        "bpe learn", "merges", total=2_000, beginning=beginning, every_seconds=0.01
    ) as lines:
        assert lines.line().endswith("reading and counting words")
        lines.update(1_200)
        assert lines.line().endswith("1,200/2,000 merges")
        deadline = time.monotonic() + 30
        printed = ""
        while "1,200/2,000 merges" not in printed and time.monotonic() < deadline:
            time.sleep(0.01)
            printed += capsys.readouterr().err
    assert all(line.startswith("xlm: bpe learn  ") for line in printed.splitlines())
    assert "1,200/2,000 merges" in printed


def test_learning_reports_its_merges(tmp_path: Path) -> None:
    reported: list[int] = []
    (tmp_path / "text").write_bytes(b"lower newer lowest\n" * 5)
    learn_merges(
        *(tmp_path / "text", tmp_path / "codes"),
        num_merges=3,
        messages=tmp_path / "log",
        on_merge=reported.append,
    )
    assert reported == [1, 2, 3]
    assert "Loading vocabulary from" in (tmp_path / "log").read_text(encoding="utf-8")
