"""The text path as Unix filters: real processes with real pipes."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary, write_vocabulary
from xlm.config.languages import LANGUAGES
from xlm.config.learners import LEARNERS
from xlm.text.chain import tokenizer_for

REPOSITORY = Path(__file__).resolve().parents[2]
XLM = [sys.executable, "-m", "xlm.cli.main"]

TOKENIZE = ("tokenize", "--lang", "sw")


def run(*arguments: str | Path, text: bytes = b"", code: int = 0) -> tuple[bytes, str]:
    """What a filter answers and what it says; it must end with `code`."""
    done = subprocess.run(
        [*XLM, *arguments],
        input=text,
        capture_output=True,
        cwd=REPOSITORY,
        timeout=120,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == code, said
    return done.stdout, said


def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*XLM, *arguments], cwd=REPOSITORY, **{**pipes, **options})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a few codes and a vocabulary."""
    (tmp_path / "codes").write_text("h a 9\nha b 5\nl o</w> 3\n", encoding="utf-8")
    lines = "hab@@ 90\na@@ 50\nlo 9\n! 8\nr@@ 7\ni 6\nha@@ 5\n"
    (tmp_path / "vocab").write_text(lines, encoding="utf-8")
    return tmp_path


def _encode(model: Path) -> tuple[str, ...]:
    return ("encode", "--codes", str(model / "codes"), "--vocab", str(model / "vocab"))


def test_one_line_comes_out_for_each_line_in() -> None:
    text = "Habari ya Asubuhi!\n\n   \nÉté, TOUT.\n".encode()
    answer, said = run(*TOKENIZE, text=text)
    tokenize = tokenizer_for("sw", {})
    lines = text.decode().split("\n")[:-1]
    assert answer.decode().split("\n") == [*map(tokenize, lines), ""]
    assert said == ""


def test_only_a_newline_ends_a_line() -> None:
    odd = "a\rb\x00c\u2028d\x85e\x0bf\x0cg\r\n".encode()
    answer, _ = run(*TOKENIZE, text=odd * 3)
    assert answer.count(b"\n") == 3
    assert answer.split(b"\n")[0].decode().split() == ["ab", "c", "d", "e", "f", "g"]


def test_a_last_line_without_newline_is_answered_with_one() -> None:
    assert run(*TOKENIZE, text=b"A\nB") == (b"a\nb\n", "")
    assert run(*TOKENIZE, text=b"") == (b"", "")
    assert run(*TOKENIZE, text=b"\n") == (b"\n", "")


def test_case_and_accents_stay_when_asked() -> None:
    assert run(*TOKENIZE, "--cased", text="Été, TOUT".encode())[0].decode() == "Été , TOUT\n"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_is_not_utf8_is_one_line_behind_the_answers_before_it(jobs: str) -> None:
    answer, said = run(*TOKENIZE, "--jobs", jobs, text=b"A\nB\nx\xffy\nC\n", code=1)
    assert answer == b"a\nb\n"
    assert said == (
        "xlm: standard input, line 3: not UTF-8 (invalid start byte at byte 1); "
        "convert it to UTF-8\n"
    )
    for half_of_a_pair in (b"\xed\xa0\x80", b"\xc3"):
        assert "line 1: not UTF-8" in run(*TOKENIZE, text=half_of_a_pair, code=1)[1]


def test_line_numbers_count_over_batches() -> None:
    text = b"word\n" * 200_000 + b"\xff\n"
    answer, said = run("decode", "--vocab", "/dev/null", text=text, code=1)
    assert (answer, said.count("\n")) == (b"", 1)
    answer, said = run("bpe", "learn", "--codes", "3", text=text, code=1)
    assert answer == b""
    assert "standard input, line 200001: not UTF-8" in said


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_line_is_answered_when_the_input_pauses(jobs: str) -> None:
    process = start(*TOKENIZE, "--jobs", jobs)
    assert process.stdin is not None
    assert process.stdout is not None
    for word in (b"One", b"TWO", b"three"):
        process.stdin.write(word + b"\nhalf a")
        process.stdin.flush()
        expected = (b"" if word == b"One" else b"half a") + word.lower() + b"\n"
        assert process.stdout.readline() == expected
    assert process.communicate()[0] == b"half a\n"
    assert process.returncode == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_reader_that_goes_away_ends_it_quietly_by_sigpipe(jobs: str) -> None:
    endless = subprocess.Popen(["yes", "Habari"], stdout=subprocess.PIPE)
    process = start(*TOKENIZE, "--jobs", jobs, stdin=endless.stdout)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"habari\n"
    process.stdout.close()
    assert process.wait(60) == -signal.SIGPIPE
    assert process.stderr.read() == b""
    endless.kill()
    endless.wait()
    assert endless.stdout is not None
    endless.stdout.close()
    process.stderr.close()


def test_ctrl_c_ends_it_quietly_by_sigint() -> None:
    # Whoever starts the tests in the background has SIGINT ignored, which children inherit.
    process = start(*TOKENIZE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b"a\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"a\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
    assert process.stderr.read() == b""
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


def test_a_full_disk_and_a_closed_input_are_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*XLM, *TOKENIZE], input=b"a\n", stdout=full, stderr=subprocess.PIPE, cwd=REPOSITORY
        )
    assert done.stderr == b"xlm: standard output cannot be written: No space left on device\n"
    command = f"exec {' '.join(XLM)} tokenize --lang sw <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, cwd=REPOSITORY, check=False)
    assert done.stderr == b"xlm: standard input cannot be read: Bad file descriptor\n"


def test_processes_keep_the_order() -> None:
    text = b"".join(b"Line %d\n" % number for number in range(40_000))
    alone, _ = run(*TOKENIZE, text=text)
    assert alone == text.lower()
    assert run(*TOKENIZE, "--jobs", "3", text=text) == (alone, "")


def test_memory_does_not_grow_with_the_text(model: Path) -> None:
    def peak(lines: int) -> int:
        code = (
            "import resource, subprocess, sys; "
            "subprocess.run(sys.argv[1:], stdin=0, stdout=subprocess.DEVNULL, check=True); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        feed = subprocess.Popen(["yes", "14 15 16"], stdout=subprocess.PIPE)
        head = subprocess.Popen(
            ["head", "-n", str(lines)], stdin=feed.stdout, stdout=subprocess.PIPE
        )
        assert feed.stdout is not None
        feed.stdout.close()
        done = subprocess.run(
            [sys.executable, "-c", code, *XLM, "decode", "--vocab", str(model / "vocab")],
            stdin=head.stdout,
            capture_output=True,
            cwd=REPOSITORY,
            check=True,
        )
        assert head.stdout is not None
        head.stdout.close()
        feed.wait()
        head.wait()
        return int(done.stdout)

    assert peak(600_000) < 1.2 * peak(60_000)


def test_unknown_languages_are_warned_about_once_and_never_refused() -> None:
    for jobs in ("1", "2"):
        answer, said = run("tokenize", "--lang", "xx", "--jobs", jobs, text=b"Don't.\nNo.\n")
        assert answer == b"don ' t .\nno .\n"
        assert said.count("\n") == 1
        assert said.startswith("xlm: warning: xx is none of the 15 languages of XLM")
    _, said = run("tokenize", "--lang", "ja", text="文です。\n".encode())
    assert said.startswith("xlm: warning: ja is written without spaces and has no segmenter")
    assert run("tokenize", "--lang", "ja", "--segmenter", "command:cat", text=b"a") == (b"a\n", "")
    for near, meant in (("EN", "en"), ("zh-CN", "zh")):
        assert f"; did you mean '{meant}'?" in run("tokenize", "--lang", near, text=b"a")[1]


def test_thai_and_chinese_have_their_segmenters_and_others_can_be_asked_for() -> None:
    chinese = "我来到北京\n".encode()
    assert run("tokenize", "--lang", "zh", text=chinese)[0].decode() == "我 来到 北京\n"
    answer, _ = run("tokenize", "--lang", "zh", "--segmenter", "command:cat", text=chinese)
    assert answer == chinese
    for segmenter, said in (("jeiba", "did you mean 'jieba'"), ("stanford", "was not named")):
        answer, told = run("tokenize", "--lang", "zh", "--segmenter", segmenter, code=1)
        assert (answer, told.count("\n")) == (b"", 1)
        assert said in told


def test_a_segmenter_that_dies_is_one_line_behind_the_answers_before_it(tmp_path: Path) -> None:
    program = tmp_path / "words"
    program.write_text("#!/bin/sh\nexec sed -u 2q\n")
    program.chmod(0o755)
    answer, said = run(
        *("tokenize", "--lang", "xx", "--segmenter", f"command:{program}"),
        text=b"A\nB\nC\nD\n",
        code=1,
    )
    assert answer == b"a\nb\n"
    assert said.startswith("xlm: words, line 3: it ended with status 0")
    assert said.count("\n") == 1


def test_ids_are_the_vocabularys_and_unknown_is_3(model: Path) -> None:
    text = b"Habari lo zzz\n\n \nlo!\n"
    answer, said = run(*_encode(model), "--lang", "sw", text=text)
    assert answer.decode() == "14 15 18 19 16 3 3 3\n\n\n16 17\n"
    assert said == ""
    cut, _ = run(*_encode(model), "--lang", "sw", "--max-vocab", "17", text=text)
    assert cut.decode() == "14 15 3 3 16 3 3 3\n\n\n16 3\n"


def test_names_of_special_tokens_in_a_text_give_no_special_ids(model: Path) -> None:
    """Codes can join the letters of `</s>`: a text must not be able to end a sentence."""
    (model / "codes").write_text("l o</w> 3\n< / 2\n</ s 2\n</s ></w> 2\n", encoding="utf-8")
    answer, _ = run(*_encode(model), "--tokenized", text=b"lo </s> lo\n</s>\n")
    assert answer == b"16 16\n\n"


def test_tokens_are_not_tokenized_again(model: Path) -> None:
    raw, _ = run(*_encode(model), "--lang", "sw", text=b"Lo!\n")
    tokens, _ = run(*TOKENIZE, text=b"Lo!\n")
    assert run(*_encode(model), "--tokenized", text=tokens)[0] == raw == b"16 17\n"
    assert run(*_encode(model), "--tokenized", text=b"lo!\n")[0] == b"3 3 17\n"
    assert "no --lang; give it, or --tokenized" in run(*_encode(model), code=1)[1]


def test_a_vocabulary_artifact_serves_too(model: Path) -> None:
    tokens = (*SPECIAL_TOKENS, "lo", "l@@", "o")
    write_vocabulary(Vocabulary(tokens, (0,) * 14 + (3, 2, 1)), model)
    for path in (model, model / "vocabulary.json"):
        arguments = ("encode", "--tokenized", "--codes", model / "codes", "--vocab", path)
        assert run(*arguments, text=b"lo\n")[0] == b"14\n"
        assert run(*arguments, "--max-vocab", "15", text=b"lo o\n")[0] == b"14 3\n"
        assert run("decode", "--vocab", path, text=b"15 16\n")[0] == b"lo\n"


def test_codes_of_another_run_than_the_vocabularys_are_refused_with_both_hashes(
    model: Path,
) -> None:
    right = hashlib.sha256((model / "codes").read_bytes()).hexdigest()
    tokens = (*SPECIAL_TOKENS, "lo")
    arguments = ("encode", "--tokenized", "--codes", model / "codes", "--vocab", model)
    write_vocabulary(Vocabulary(tokens, (0,) * 14 + (3,), right), model)
    assert run(*arguments, text=b"lo\n")[0] == b"14\n"
    write_vocabulary(Vocabulary(tokens, (0,) * 14 + (3,), "0" * 64), model)
    answer, said = run(*arguments, text=b"lo\n", code=1)
    assert (answer, said.count("\n")) == (b"", 1)
    assert right in said
    assert "0" * 64 in said


@pytest.mark.parametrize(
    ("codes", "vocab", "said", "jobs"),
    [
        ("nowhere", "vocab", "--codes {0}/nowhere: No such file or directory", 2),
        ("nowhere", "vocab", "--codes {0}/nowhere: No such file or directory", 1),
        ("codes", "nowhere", "--vocab {0}/nowhere: No such file or directory", 1),
        ("vocab", "vocab", "{0}/vocab, line 1: not `left right count`: 'hab@@ 90'", 1),
        ("codes", "codes", "{0}/codes: not `token count`: 'h a 9'", 1),
        ("binary", "vocab", "{0}/binary, line 1: not UTF-8", 1),
        ("codes", "binary", "--vocab {0}/binary: not UTF-8", 1),
        ("codes", "empty", "{0}/empty: not `token count`: ''", 1),
        ("empty", "vocab", "{0}/empty holds no merge", 1),
        ("pipe", "vocab", "--codes {0}/pipe: no regular file", 1),
        ("codes", "pipe", "--vocab {0}/pipe: no regular file", 1),
        ("marked", "vocab", "{0}/marked, line 1: a byte order mark in front", 1),
    ],
)
def test_files_that_are_not_there_or_other_files_are_one_line(
    model: Path, codes: str, vocab: str, said: str, jobs: int
) -> None:
    (model / "binary").write_bytes(b"\xff\xfe\x00")
    (model / "empty").write_bytes(b"")
    (model / "marked").write_bytes(b"\xef\xbb\xbf" + (model / "codes").read_bytes())
    os.mkfifo(model / "pipe")
    answer, told = run(
        *("encode", "--tokenized", "--codes", model / codes, "--vocab", model / vocab),
        *("--jobs", str(jobs)),
        code=1,
    )
    assert (answer, told.count("\n")) == (b"", 1)
    assert told.startswith(f"xlm: {said.format(model)}")


def test_pieces_are_joined_and_special_tokens_named(model: Path) -> None:
    ids = b"14 15 18 19 16 17\n\n1 16 14 1 3 5\n14\n"
    answer, _ = run("decode", "--vocab", str(model / "vocab"), text=ids)
    assert answer.decode() == "habari lo !\n\n</s> lo hab </s> <unk> <special1>\nhab\n"


@pytest.mark.parametrize("bad", ["21", "-1", "x", "1.5", "١٤", "9" * 5000, "+14"])
def test_what_is_no_id_is_one_line(model: Path, bad: str) -> None:
    text = f"14 15\n16 {bad} 17\n14\n".encode()
    answer, said = run("decode", "--vocab", str(model / "vocab"), text=text, code=1)
    assert answer == b"haba\n"
    assert said.startswith(f"xlm: standard input, line 2: {bad[:40]!r} is no id from 0 to 20")
    assert said.count("\n") == 1


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


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (TOKENIZE, set()),
        (("tokenize", "--lang", "zh"), set()),
        (("--help",), {"numpy", "pydantic"}),
    ],
)
def test_filters_load_no_heavy_package(arguments: tuple[str, ...], more: set[str]) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from xlm.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input="我来\n".encode(),
        capture_output=True,
        cwd=REPOSITORY,
        check=True,
    )
    loaded = set(done.stderr.decode().split())
    heavy = {"torch", "prefect", "pyarrow", "transformers", "pandas", "matplotlib", "httpx"}
    assert "xlm.cli.main" in loaded
    assert (heavy | more).isdisjoint(loaded)


def test_a_megabyte_takes_little_more_than_a_start() -> None:
    """CPU time, which a busy machine does not stretch."""

    def spent(text: bytes) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(*TOKENIZE, text=text)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert spent(b"Habari\n") < 2
    assert spent(b"Habari ya asubuhi.\n" * 55_000) < 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_raw_text_gives_the_published_ids(shared: Path, language: str) -> None:
    """The original tools' ids on 60 real sentences, through one process."""
    official = shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM"
    rows = list(_golden(shared, language))
    answer, said = run(
        *("encode", "--lang", language, "--max-vocab", "95000"),
        *("--codes", official / "codes_xnli_15", "--vocab", official / "vocab_xnli_15"),
        text="".join(row["raw"] + "\n" for row in rows).encode(),
    )
    expected = [" ".join(map(str, row["ids"])) for row in rows]
    assert answer.decode().split("\n") == [*expected, ""]
    assert len(rows) == 60
    assert said == ""


def _golden(shared: Path, language: str) -> Iterator[dict[str, Any]]:
    path = shared / "golden" / "xlm15_tokens" / f"golden.{language}.jsonl"
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)
