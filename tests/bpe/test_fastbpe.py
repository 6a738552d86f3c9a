"""Merges, subwords and counts compared with fastBPE's C++ program."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repository import REPOSITORY
from xlm.bpe.apply import BpeApplier, apply_bpe_to_file
from xlm.bpe.codes_file import read_merge_ranks
from xlm.bpe.counting import count_tokens, write_counts
from xlm.bpe.learning import learners as learn
from xlm.bpe.learning.learners import LearnedMerges, find_fastbpe, find_learn_bpe, learn_merges
from xlm.bpe.learning.scan import TextScan, scan_text
from xlm.errors import DataError, ToolError
from xlm.processes.pool.executor import worker_pool


def _learn(tmp_path: Path, text: str, num_merges: int) -> tuple[LearnedMerges, str]:
    sample, target = tmp_path / "sample", tmp_path / "codes"
    sample.write_text(text, encoding="utf-8")
    learned = learn_merges(sample, target, num_merges=num_merges, messages=tmp_path / "messages")
    return learned, target.read_text(encoding="utf-8")


def test_merges_equal_the_golden_merges(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    merges: list[int] = []
    learned = learn_merges(
        golden / "corpus.tok",
        tmp_path / "codes",
        num_merges=2000,
        messages=tmp_path / "messages",
        on_merge=merges.append,
    )
    assert (learned.num_merges, learned.exhausted) == (2000, False)
    assert learned.process.peak_memory_bytes > 1_000_000
    assert learned.process.cpu_seconds > 0.01
    assert (tmp_path / "codes").read_bytes() == (golden / "codes.2000").read_bytes()
    assert merges == list(range(1, 2001))
    assert len(read_merge_ranks(tmp_path / "codes")) == 2000


def test_subwords_and_counts_equal_the_golden_files(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    subwords = tmp_path / "subwords"
    counts = apply_bpe_to_file(
        golden / "corpus.tok", subwords, codes=golden / "codes.2000", labelled=False
    )
    assert subwords.read_bytes() == (golden / "corpus.bpe").read_bytes()
    assert counts == {"lines": 900, "words": 21395, "tokens": 42324}
    write_counts(count_tokens(subwords), tmp_path / "counts")
    assert (tmp_path / "counts").read_bytes() == (golden / "vocab.2000").read_bytes()


def test_subwords_equal_those_of_subword_nmt(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "subword_nmt"
    merges = (golden / "bpe.ref").read_text(encoding="utf-8").split("\n")[1:]
    codes = tmp_path / "codes"
    # The file of subword-nmt has a header and no counts.
    codes.write_text("".join(f"{merge} 1\n" for merge in merges if merge), encoding="utf-8")
    apply_bpe_to_file(golden / "corpus.en", tmp_path / "subwords", codes=codes, labelled=False)
    assert (tmp_path / "subwords").read_text(encoding="utf-8") == (
        golden / "corpus.bpe.ref.en"
    ).read_text(encoding="utf-8")


def test_learning_stops_when_no_pair_is_left(tmp_path: Path) -> None:
    """fastBPE continues, and prints a pair with count 0."""
    learned, codes = _learn(tmp_path, "abc abc abz\n", 50)
    assert (learned.num_merges, learned.exhausted) == (3, True)
    assert learned.process.peak_memory_bytes > 1_000_000
    assert codes == "a b 3\nab c</w> 2\nab z</w> 1\n"


def test_a_last_word_without_a_newline_is_counted(tmp_path: Path) -> None:
    """fastBPE drops it."""
    assert _learn(tmp_path, "ab cd\ncd", 1)[1] == "c d</w> 2\n"
    assert _learn(tmp_path, "cdé", 9)[1] == "c d 1\ncd é</w> 1\n"


@pytest.mark.parametrize(("text", "what"), [(b"ab c\xff", "not UTF-8"), (b"abc \0", "a NUL byte")])
@pytest.mark.parametrize("offset", [0, 4 << 20, (4 << 20) - 5])
def test_invalid_text_is_refused_with_its_position(
    tmp_path: Path, text: bytes, what: str, offset: int
) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"a" * offset + text + b"\n")
    with pytest.raises(DataError, match=f"{what} at byte {offset + 4} of the text"):
        scan_text(path)


def test_an_incomplete_last_character_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes("abé".encode()[:-1])
    with pytest.raises(DataError, match="not UTF-8 at byte 2"):
        scan_text(tmp_path / "text")


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 22])
def test_the_scan_does_not_depend_on_the_chunk_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("xlm.bpe.learning.scan._CHUNK_BYTES", chunk)
    path = tmp_path / "text"
    path.write_text("ab éé\n  abcdefg ab ab\nxyz", encoding="utf-8")
    assert scan_text(path) == TextScan(pair_bound=4, longest_word_bytes=7, open_word_bytes=3)
    path.write_text("a\n b \n", encoding="utf-8")
    assert scan_text(path) == TextScan(0, 1, 0)


def test_a_long_word_causes_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, codes = _learn(tmp_path, "ab" * 10_000 + "\n", 1)
    assert codes == "a b 9999\n"
    assert "the longest word has 20000 bytes" in caplog.text


@pytest.mark.parametrize("text", ["", "\n\n", "a b\nc\n"])
def test_a_text_without_pairs_is_refused(tmp_path: Path, text: str) -> None:
    """fastBPE crashes on it, or prints merges of no pair."""
    with pytest.raises(DataError, match="no word of two characters"):
        _learn(tmp_path, text, 10)


def test_the_pair_bound_holds_for_the_most_frequent_pair(shared: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    top = int((golden / "codes.2000").read_text(encoding="utf-8").split("\n", 1)[0].split()[2])
    assert top <= scan_text(golden / "corpus.tok").pair_bound <= 2 * top


def test_counts_beyond_32_bits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "_COUNT_LIMIT", 5)
    with pytest.raises(DataError, match="can occur up to 6 times"):
        _learn(tmp_path, "ab " * 6 + "\n", 1)
    assert _learn(tmp_path, "ab " * 5 + "\n", 1)[1] == "a b</w> 5\n"


def test_the_error_for_a_missing_program_names_the_build_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    for find in (find_fastbpe, find_learn_bpe):
        with pytest.raises(ToolError, match=r"build_learners\.py"):
            find()


def test_the_error_of_a_failing_program_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If address space is limited, fastBPE cannot reserve its 12 GB."""
    program = tmp_path / "fast"
    program.write_text("#!/bin/sh\necho std::bad_alloc >&2\nexit 134\n")
    program.chmod(0o755)
    monkeypatch.setattr(learn, "find_fastbpe", lambda: program)
    with pytest.raises(ToolError, match=r"exited with 134: std::bad_alloc; .*12 GB"):
        _learn(tmp_path, "abc abc\n", 1)


@pytest.mark.fault
def test_the_learner_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Without a guard, `fast` kept running after kill -9 of its parent."""
    program, sample, pid_file = tmp_path / "fast", tmp_path / "sample", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\necho $$ >{pid_file}\nexec sleep 60\n")
    program.chmod(0o755)
    sample.write_text("abc abc\n")
    code = (
        "from pathlib import Path\n"
        "from xlm.bpe.learning import learners as learn\n"
        f"learn.find_fastbpe = lambda: Path({str(program)!r})\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "sample, target, messages = folder / 'sample', folder / 'codes', folder / 'm'\n"
        "learn.learn_merges(sample, target, num_merges=9, messages=messages)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    while not pid_file.exists() or not pid_file.read_text().endswith("\n"):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    pid = int(pid_file.read_text())
    end = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout
    return state.strip()[:1] not in (b"", b"Z")


@pytest.mark.parametrize(
    "line", [b"a b", b"a b c d", b"a  1", b"a b x", b"a b \xc2\xb2", b"\xff b 1", b"a n 1"]
)
def test_an_invalid_line_of_a_codes_file_is_reported(tmp_path: Path, line: bytes) -> None:
    """The fastBPE module would exit the process, or read garbage."""
    codes = tmp_path / "codes"
    codes.write_bytes(b"a n 3\n" + line + b"\n")
    with pytest.raises(DataError, match="codes, line 2"):
        BpeApplier(codes)


def test_empty_lines_and_a_missing_last_newline_are_preserved(tmp_path: Path) -> None:
    codes = tmp_path / "codes"
    codes.write_text("a b 3\n", encoding="utf-8")
    source, target = tmp_path / "text", tmp_path / "subwords"
    source.write_text("\nab  abb\n\n \nlast", encoding="utf-8")
    counts = apply_bpe_to_file(source, target, codes=codes, labelled=False)
    assert target.read_text(encoding="utf-8") == "\na@@ b  ab@@ b\n\n \nl@@ a@@ s@@ t\n"
    assert counts == {"lines": 5, "words": 3, "tokens": 8}


def test_labels_of_xnli_rows_are_not_split(tmp_path: Path) -> None:
    codes = tmp_path / "codes"
    codes.write_text("a b 3\n", encoding="utf-8")
    source, target = tmp_path / "rows.tsv", tmp_path / "subwords.tsv"
    source.write_text("ab a\t\tneutral\n", encoding="utf-8")
    counts = apply_bpe_to_file(source, target, codes=codes, labelled=True)
    assert target.read_text(encoding="utf-8") == "a@@ b a\t\tneutral\n"
    assert counts == {"lines": 1, "words": 2, "tokens": 3}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_split_as_fastbpe_does_and_joins_back(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    source, ours, theirs = folder / "text", folder / "ours", folder / "theirs"
    source.write_text(text + " abc\n", encoding="utf-8", newline="\n")
    codes = shared / "golden" / "fastbpe" / "codes.2000"
    apply_bpe_to_file(source, ours, codes=codes, labelled=False)
    subprocess.run([find_fastbpe(), "applybpe", theirs, source, codes], check=True, timeout=60)
    subwords = ours.read_bytes()
    assert subwords == theirs.read_bytes()
    joined = subwords.decode().replace("@@ ", "")
    assert joined == source.read_bytes().decode().replace("@@ ", "")


def test_the_cache_of_words_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlm.bpe.apply._MAX_CACHED_CHARACTERS", 7)
    codes = tmp_path / "codes"
    codes.write_text("a b 3\n", encoding="utf-8")
    bpe = BpeApplier(codes)
    assert bpe.lines(["ab ac", "ad ab"]) == ["a@@ b a@@ c", "a@@ d a@@ b"]
    assert bpe.lines(["ae ab", ""]) == ["a@@ e a@@ b", ""]
    assert bpe._subwords.keys() == {"", "ae", "ab"}
    # A word of the older generation is not split again.
    assert bpe._older.keys() == {"", "ab", "ac", "ad"}
    bpe._older["ac"] = "known"
    assert bpe.lines(["ac"]) == ["known"]


def test_the_module_prints_nothing_in_this_process_or_in_workers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its C++ code prints `Loading codes from ...`, which appeared in the output of each run."""
    codes = tmp_path / "codes"
    codes.write_text("a b</w> 3\n", encoding="utf-8")
    source, target = tmp_path / "text", tmp_path / "subwords"
    source.write_text("ab\n", encoding="utf-8")
    assert BpeApplier(codes).lines(["ab"]) == ["ab"]
    with worker_pool(1, tmp_path / "tools") as pool:
        pool.submit(apply_bpe_to_file, source, target, codes=codes, labelled=False).result()
    assert target.read_text(encoding="utf-8") == "ab\n"
    assert capfd.readouterr().err == ""
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"
