"""The commands in real pipes: answers before the end of the input, readers that go away."""

import io
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.cli.text.filter_process import run, start
from tests.inference.small_models import TEXTS
from xlm.inference.model import Model

pytestmark = pytest.mark.slow


def test_vectors_go_into_a_pipe(model: Model, release: Path) -> None:
    lines = "".join(f"{text}\n" for text in TEXTS["sw"])
    output, errors = run("embed", release, "--lang", "sw", text=lines.encode())
    assert errors == ""
    np.testing.assert_allclose(
        np.load(io.BytesIO(output)), model.embed(TEXTS["sw"], language="sw"), atol=1e-6
    )


def test_truncated_lines_are_reported_once(release: Path) -> None:
    long = b"children " * 300 + b"\n"
    _, errors = run("embed", release, "--lang", "en", text=long * 1_100)
    assert errors == (
        "xlm: warning: 1,100 texts are truncated: the model's longest input has 128 tokens\n"
    )


def test_an_empty_line_in_a_pipe_leaves_no_vectors(release: Path) -> None:
    output, errors = run("embed", release, "--lang", "sw", text=b"a\n\nb\n", code=1)
    assert output == b""
    assert errors == "xlm: standard input, line 2 is empty; remove it, or write a text\n"


def test_a_pipe_is_answered_while_it_is_open(release: Path) -> None:
    process = start("fill-mask", str(release), "--lang", "en", "--json")
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for _ in range(2):
            process.stdin.write(b"The <mask>.\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(b'{"text": "The <mask>."')
        process.stdin.close()
    assert process.returncode == 0


def test_a_reader_that_goes_away_ends_the_command(release: Path) -> None:
    process = start("predict", str(release), "--lang", "en")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdin.write(b"A man.\tA boy.\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"label\t")
        process.stdout.close()
        process.stdin.write(b"A man.\tA boy.\n" * 10)
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == -signal.SIGPIPE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "absent", "--lang", "sw"], "absent does not exist; use a .pth file of the orig"),
        (["embed", ".", "--lang", "sw", "-o", "v.csv"], "--output v.csv: unknown format; end it"),
        (["predict", ".", "--segmenter", "jieba"], "invalid --segmenter 'jieba'; write zh=jieba"),
        (["fill-mask", ".", "--lang", "sw", "--top", "0"], "invalid --top '0'; use a whole number"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[str], message: str) -> None:
    output, errors = run(*arguments, code=1)
    assert (output, errors.count("\n")) == (b"", 1)
    assert errors.startswith(f"xlm: {message}")
