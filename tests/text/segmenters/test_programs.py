"""Segmenters that are programs, tested with a fake that follows the protocol or breaks it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.config.reading.resolve import resolve
from xlm.engine.building.mapper import SerialMapper
from xlm.engine.stage import StageContext
from xlm.errors import ToolError
from xlm.stages.text.tokenize import TOKENIZE
from xlm.text.chain import tokenizer_for
from xlm.text.segmenters.line_program import LineProgram
from xlm.text.segmenters.registry import load_segmenter, segmenter_identity

# Behaves like the Stanford segmenter, with two characters per word: reads the files of its options,
# logs to stderr, answers each line at once. The variable FAKE selects a failure.
FAKE = """#!{python}
import os, sys, time
fail = os.environ.get("FAKE", "")
options = dict(zip(sys.argv[1:], sys.argv[2:]))
if fail == "start":
    sys.exit("Error: Could not find or load main class edu.stanford.nlp.ie.crf.CRFClassifier")
open(options["-loadClassifier"]).read()
if "-serDictionary" in options:
    open(options["-serDictionary"]).read()
    assert options["-inputEncoding"] == options["-outputEncoding"] == "UTF-8"
    assert sys.argv[-1] == "-readStdin"
print("Loading classifier ... done [0.1 sec].", file=sys.stderr, flush=True)
for number, line in enumerate(sys.stdin.buffer, start=1):
    text = line.decode().rstrip("\\n")
    assert text.strip(), "received a line without text"
    if fail == "second" and number == 2:
        print("Exception in thread main\\n  java.lang.OutOfMemoryError", file=sys.stderr)
        sys.exit(3)
    if fail == "silent":
        time.sleep(600)
    words = "".join(text.split())
    answer = " ".join(words[i : i + 2] for i in range(0, len(words), 2)).encode()
    if fail == "two":
        answer += b"\\nand more"
    if fail == "other":
        answer = b"something else"
    if fail == "latin":
        answer = b"\\xff\\xfe"
    if fail == "crlf":
        answer += b"\\r"
    if fail == "close":
        os.close(1)
        time.sleep(600)
    sys.stdout.buffer.write(answer + b"\\n")
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def stanford(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the Stanford segmenter's, and a fake `java` first on PATH."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(FAKE.replace("{python}", sys.executable))
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{java.parent}:{os.environ['PATH']}")
    folder = tmp_path / "stanford segmenter"
    (folder / "data").mkdir(parents=True)
    (folder / "stanford-segmenter-3.9.2.jar").write_bytes(b"jar")
    for name in ("pku.gz", "dict-chris6.ser.gz", "ctb.gz"):
        (folder / "data" / name).write_bytes(b"")
    return folder


def _program(folder: Path, **seconds: float) -> LineProgram:
    model = str(folder / "data" / "pku.gz")
    return LineProgram("the fake", ["java", "-loadClassifier", model], **seconds)


def test_one_process_segments_all_lines(stanford: Path) -> None:
    segment = load_segmenter(f"stanford:{stanford}")
    assert segment("我来到北京") == "我来 到北 京"
    assert segment("清华 大学") == "清华 大学"
    chain = tokenizer_for("zh", {"zh": f"stanford:{stanford}"})
    assert chain("我来到“北京”") == '我来 到" 北京 "'


def test_other_line_ends_are_sent_as_spaces(stanford: Path) -> None:
    """Java also ends lines at a CR: lines and answers would be out of step."""
    segment = _program(stanford)
    assert segment("我\r来\x00到\x0b北\u2028京\x85大") == "我来 到北 京大"
    for blank in ("", " ", "\u3000", "\r", "\t\x00"):
        assert segment(blank) == blank
    assert segment("學") == "學"


def test_a_line_may_be_longer_than_a_pipe_buffer(stanford: Path) -> None:
    words = _program(stanford)("我" * 300_000)
    assert len(words) == 300_000 + 150_000 - 1


def test_programs_that_answer_while_they_read_do_not_block() -> None:
    """`cat` answers before the line ends: a writer that does not read would block forever."""
    line = "a" * 1_000_000
    assert LineProgram("cat", ["cat"])(line) == line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            "start",
            r"line 1: the program exited with status 1: Error: Could not find or load main class",
        ),
        ("second", r"line 2: the program exited with status 3: .*OutOfMemoryError"),
        ("silent", r"line 1: no answer within 0\.8 s: Loading classifier"),
        ("two", r"line 2: the program wrote more lines than it received"),
        ("other", r"line 1: the program answered 'something else' to '我来'"),
        ("latin", r"line 1: the answer is not UTF-8"),
        ("close", r"line 1: the program exited with status|line 1: the program closed its output"),
    ],
)
def test_failures_are_reported_in_one_line(
    stanford: Path, monkeypatch: pytest.MonkeyPatch, fail: str, message: str
) -> None:
    monkeypatch.setenv("FAKE", fail)
    monkeypatch.setattr("xlm.text.segmenters.line_program._EXIT_SECONDS", 0.3)
    seconds = 0.8 if fail == "silent" else 30.0
    segment = _program(stanford, first_seconds=seconds)

    def send_three_lines() -> None:
        for line in ("我来", "到北", "京"):
            segment(line)
            time.sleep(0.1)

    with pytest.raises(ToolError, match=message) as caught:
        send_three_lines()
    assert "\n" not in str(caught.value)
    assert "run the program by hand to see why: java" in str(caught.value)


def test_the_program_restarts_after_a_failure(
    stanford: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = _program(stanford)
    monkeypatch.setenv("FAKE", "second")
    assert segment("我来") == "我来"
    with pytest.raises(ToolError):
        segment("到北")
    monkeypatch.setenv("FAKE", "crlf")
    assert segment("到北京") == "到北 京"


def test_a_program_that_cannot_start_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"no program")
    broken.chmod(0o755)
    with pytest.raises(ToolError, match=r"cannot start: .*Exec format error"):
        load_segmenter(f"command:{broken}")("a")


def test_missing_java_is_reported_with_a_fix(
    stanford: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match=r"no `java` on PATH; install a Java runtime"):
        load_segmenter(f"stanford:{stanford}")


@pytest.mark.parametrize("missing", ["stanford-segmenter-3.9.2.jar", "data/dict-chris6.ser.gz"])
def test_an_incomplete_folder_is_refused(stanford: Path, missing: str) -> None:
    (stanford / missing).unlink()
    with pytest.raises(ToolError, match=r"has no jar file|has no data/dict-chris6"):
        segmenter_identity(f"stanford:{stanford}")


def test_the_identity_depends_on_model_and_version(stanford: Path) -> None:
    spec = f"stanford:{stanford}"
    first = segmenter_identity(spec)
    assert first.startswith("Stanford segmenter 3.9.2, pku, ")
    (stanford / "data" / "ctb.gz").write_bytes(b"the unused model")
    assert segmenter_identity(spec) == first
    (stanford / "data" / "pku.gz").write_bytes(b"another model")
    assert segmenter_identity(spec) != first
    (stanford / "stanford-segmenter-3.9.2.jar").rename(stanford / "seg.jar")
    assert segmenter_identity(spec).startswith("Stanford segmenter of unknown version, pku, ")


def test_the_stage_segments_with_the_program(stanford: Path, tmp_path: Path) -> None:
    config = resolve("mini15", [f"text.segmenters.zh=stanford:{stanford}"])
    chosen = TOKENIZE.slice(config, "zh")
    assert chosen.segmenters == {"zh": "stanford"}
    assert chosen.segmenter_identities["zh"].startswith("Stanford segmenter 3.9.2")
    without = chosen.model_copy(update={"segmenters": {}, "segmenter_specs": {}})
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "train.00000.txt").write_text("我来到北京\n", encoding="utf-8")
    for name, config_slice, tokens in (
        ("with", chosen, "我来 到北 京"),
        ("without", without, "我来到北京"),
    ):
        folders = {folder: tmp_path / name / folder for folder in ("out", "scratch", "logs")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        TOKENIZE.run(
            StageContext(
                unit="zh",
                config=config_slice,
                inputs={"text": tmp_path / "text"},
                mapper=SerialMapper(),
                workers=1,
                **folders,
            )
        )
        written = (folders["out"] / "train.00000.txt").read_text(encoding="utf-8")
        assert written == tokens + "\n"


def test_kytea_runs_with_the_model_of_its_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "kytea"
    model = tmp_path / "share" / "kytea" / "model.bin"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --version ] && { echo "KyTea version 0.4.7" >&2; exit; }\n'
        f'[ "$*" = "-notags -model {model}" ] || exit 9\n'
        "exec sed -u 's/文/ 文 /'\n"
    )
    program.chmod(0o755)
    monkeypatch.delenv("KYTEA_MODEL", raising=False)
    spec = f"kytea:{program}"
    with pytest.raises(ToolError, match=r"model .*model\.bin not found; set KYTEA_MODEL"):
        segmenter_identity(spec)
    model.parent.mkdir(parents=True)
    model.write_bytes(b"model")
    first = segmenter_identity(spec)
    assert first.startswith("KyTea version 0.4.7, model ")
    assert load_segmenter(spec)("コーパスの文です。") == "コーパスの 文 です。"
    other = tmp_path / "other.bin"
    other.write_bytes(b"other")
    monkeypatch.setenv("KYTEA_MODEL", str(other))
    assert segmenter_identity(spec) != first


def test_the_program_ends_when_its_parent_is_killed(stanford: Path) -> None:
    """Its standard input closes, and its guard ends it, even after SIGKILL."""
    code = (
        "import sys, time; from xlm.text.segmenters.registry import load_segmenter\n"
        f"print(load_segmenter('stanford:{stanford}')('我来到'), flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env=os.environ | {"MARK": str(stanford)},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline().decode() == "我来 到\n"
    assert len(_marked_processes(stanford)) == 3  # the parent, the guard, the program
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while _marked_processes(stanford) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _marked_processes(stanford) == []


def _marked_processes(mark: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found
