"""The text path as Unix filters: lines, signals, faults, memory; real processes with real pipes."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.text.filter_process import REPOSITORY, TOKENIZE, XLM, run, start
from xlm.text.chain import tokenizer_for

pytestmark = pytest.mark.slow


def test_one_line_comes_out_for_each_line_in() -> None:
    text = "Habari ya Asubuhi!\n\n   \nÉté, TOUT.\n".encode()
    output, errors = run(*TOKENIZE, text=text)
    tokenize = tokenizer_for("sw", {})
    lines = text.decode().split("\n")[:-1]
    assert output.decode().split("\n") == [*map(tokenize, lines), ""]
    assert errors == ""


def test_only_a_newline_ends_a_line() -> None:
    odd = "a\rb\x00c\u2028d\x85e\x0bf\x0cg\r\n".encode()
    output, _ = run(*TOKENIZE, text=odd * 3)
    assert output.count(b"\n") == 3
    assert output.split(b"\n")[0].decode().split() == ["ab", "c", "d", "e", "f", "g"]


def test_a_last_line_without_newline_is_answered_with_one() -> None:
    assert run(*TOKENIZE, text=b"A\nB") == (b"a\nb\n", "")
    assert run(*TOKENIZE, text=b"") == (b"", "")
    assert run(*TOKENIZE, text=b"\n") == (b"\n", "")


def test_case_and_accents_stay_when_asked() -> None:
    assert run(*TOKENIZE, "--cased", text="Été, TOUT".encode())[0].decode() == "Été , TOUT\n"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_is_not_utf8_is_one_line_behind_the_answers_before_it(jobs: str) -> None:
    output, errors = run(*TOKENIZE, "--jobs", jobs, text=b"A\nB\nx\xffy\nC\n", code=1)
    assert output == b"a\nb\n"
    assert errors == (
        "xlm: standard input, line 3: not UTF-8 (invalid start byte at byte 1); "
        "convert it to UTF-8\n"
    )
    for half_of_a_pair in (b"\xed\xa0\x80", b"\xc3"):
        assert "line 1: not UTF-8" in run(*TOKENIZE, text=half_of_a_pair, code=1)[1]


def test_every_filter_stops_at_bad_bytes_as_the_documents_say(tmp_path: Path) -> None:
    """Line from 1, byte from 0; what answers line by line has answered the lines before."""
    (tmp_path / "codes").write_text("a b 3\n", encoding="utf-8")
    (tmp_path / "vocab").write_text("ab 3\na@@ 2\n", encoding="utf-8")
    codes, vocab = ("--codes", tmp_path / "codes"), ("--vocab", tmp_path / "vocab")
    for arguments, before, answers in (
        (("bpe", "apply", *codes), b"ab\n\n", b"a@@ b\n\n"),
        (("encode", "--tokenized", *codes, *vocab), b"ab\n\n", b"15 3\n\n"),
        (("decode", *vocab), b"15 14\n\n", b"aab\n\n"),
        (("bpe", "vocab"), b"ab\n\n", b""),
        (("bpe", "learn", "--codes", "2"), b"ab\n\n", b""),
    ):
        output, errors = run(*arguments, text=before + b"14 \xe9\nab\n", code=1)
        assert output == answers, arguments
        assert errors.startswith("xlm: standard input, line 3: not UTF-8 ("), arguments
        assert errors.endswith(" at byte 3); convert it to UTF-8\n"), arguments


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_text_is_refused_in_one_line(encoding: str, jobs: str) -> None:
    text = "".join(f"The pupil number {i} reads.\n" for i in range(5)).encode(encoding)
    for command in (TOKENIZE, ("bpe", "learn", "--codes", "3")):
        output, errors = run(*command, "--jobs", jobs, text=text, code=1)
        assert output == b""
        assert errors.startswith("xlm: standard input: the text is UTF-")
        assert errors.count("\n") == 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_carriage_returns_and_nuls_are_counted_in_a_warning(jobs: str) -> None:
    output, errors = run(*TOKENIZE, "--jobs", jobs, text=b"one\rtwo\rthree")
    assert output.count(b"\n") == 1
    assert errors.startswith("xlm: warning: standard input: 2 carriage returns in 1 lines")
    assert errors.count("\n") == 1
    text = b"a plain line\n" * 50 + b"a\0b\nc\r\n"
    output, errors = run(*TOKENIZE, "--jobs", jobs, text=text)
    assert output.count(b"\n") == 52
    assert errors == "xlm: warning: standard input: 1 NUL characters in 52 lines\n"


def test_line_numbers_count_over_batches() -> None:
    text = b"word\n" * 200_000 + b"\xff\n"
    output, errors = run("decode", "--vocab", "/dev/null", text=text, code=1)
    assert (output, errors.count("\n")) == (b"", 1)
    output, errors = run("bpe", "learn", "--codes", "3", text=text, code=1)
    assert output == b""
    assert "standard input, line 200001: not UTF-8" in errors


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
    # Tests in the background of a shell inherit an ignored SIGINT, and so do their children.
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
    with Path("/dev/full").open("wb") as device:
        done = subprocess.run(
            [*XLM, *TOKENIZE], input=b"a\n", stdout=device, stderr=subprocess.PIPE, cwd=REPOSITORY
        )
    full = b"xlm: standard output cannot be written: No space left on device; write it elsewhere\n"
    assert done.stderr == full
    command = f"exec {' '.join(XLM)} tokenize --lang sw <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, cwd=REPOSITORY, check=False)
    what = b"xlm: standard input cannot be read: Bad file descriptor"
    assert done.stderr == what + b"; pipe a text into it: ... < FILE\n"


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
        output, errors = run("tokenize", "--lang", "xx", "--jobs", jobs, text=b"Don't.\nNo.\n")
        assert output == b"don ' t .\nno .\n"
        assert errors.count("\n") == 1
        assert errors.startswith("xlm: warning: xx is not a known language: the Moses rules")
    _, errors = run("tokenize", "--lang", "ja", text="文です。\n".encode())
    assert errors.startswith("xlm: warning: ja is written without spaces and has no segmenter")
    assert run("tokenize", "--lang", "ja", "--segmenter", "command:cat", text=b"a") == (b"a\n", "")
    for near, meant in (("EN", "en' (English"), ("zh-CN", "zh' (Chinese"), ("swh", "sw' (Swahili")):
        assert f"; did you mean '{meant})?" in run("tokenize", "--lang", near, text=b"a")[1]


def test_the_moses_rules_of_another_language_can_be_chosen() -> None:
    text = "L'eau n'est pas là, M. Dupont.\n".encode()
    chosen = ("--tokenizer-language", "fr")
    output, errors = run("tokenize", "--lang", "wa", *chosen, text=text)
    assert (output, errors) == (run("tokenize", "--lang", "fr", text=text)[0], "")
    output, errors = run("tokenize", "--lang", "wa", text=text)
    assert output == b"l ' eau n ' est pas la , m. dupont .\n"
    assert errors.startswith("xlm: warning: Moses has no list of abbreviations for wa: it uses")
    assert run("tokenize", "--lang", "tet", text=b"Nu. 5\n") == (b"nu. 5\n", "")
    _, errors = run("tokenize", "--lang", "wa", "--tokenizer-language", "french", code=1)
    assert "unknown language 'french'; did you mean 'fr' (French)?" in errors


def test_icu_segments_languages_without_spaces() -> None:
    lines = ["私は本を読みました。", "ខ្ញុំចូលចិត្តអានសៀវភៅ។", "ຂ້ອຍມັກອ່ານປຶ້ມ"]
    for code, line in zip(("ja", "km", "lo"), lines, strict=True):
        output, errors = run(
            "tokenize", "--cased", "--lang", code, "--segmenter", "icu", text=line.encode()
        )
        assert errors == ""
        assert 4 <= len(output.decode().split()) <= 9


def test_thai_and_chinese_have_their_segmenters_and_others_can_be_asked_for() -> None:
    chinese = "我来到北京\n".encode()
    assert run("tokenize", "--lang", "zh", text=chinese)[0].decode() == "我 来到 北京\n"
    output, _ = run("tokenize", "--lang", "zh", "--segmenter", "command:cat", text=chinese)
    assert output == chinese
    for segmenter, message in (("jeiba", "did you mean 'jieba'"), ("stanford", "no folder given")):
        output, errors = run("tokenize", "--lang", "zh", "--segmenter", segmenter, code=1)
        assert (output, errors.count("\n")) == (b"", 1)
        assert message in errors


def test_a_segmenter_that_dies_is_one_line_behind_the_answers_before_it(tmp_path: Path) -> None:
    program = tmp_path / "words"
    program.write_text("#!/bin/sh\nexec sed -u 2q\n")
    program.chmod(0o755)
    output, errors = run(
        *("tokenize", "--lang", "xx", "--segmenter", f"command:{program}"),
        text=b"A\nB\nC\nD\n",
        code=1,
    )
    assert output == b"a\nb\n"
    assert errors.startswith("xlm: words, line 3: the program exited with status 0")
    assert errors.count("\n") == 1


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
        "from flows.commands.main import main; main()"
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
    assert "flows.commands.main" in loaded
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


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_few_wide_characters_are_refused_too(encoding: str) -> None:
    output, errors = run(*TOKENIZE, text="hi\n".encode(encoding), code=1)
    assert output == b""
    assert errors.count("\n") == 1
    assert f"the text is {encoding.upper()}, not UTF-8; convert it: iconv -f" in errors


def test_a_nul_is_a_character_of_its_line() -> None:
    output, errors = run("bpe", "vocab", text=b"a\0\nabc\0\n")
    assert output == b"a\0 1\nabc\0 1\n"
    assert "2 NUL characters in 2 lines" in errors
