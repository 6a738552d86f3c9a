"""The output of a run: no long silence in a pipe, a final summary, warnings."""

import io
import logging
import os
import re
import time
from collections.abc import Iterator

import pytest

from flows.terminal import live
from flows.terminal.console import _print_warnings
from flows.terminal.live import LiveView, RunConsole
from xlm.engine.events import Finished
from xlm.engine.stage import Node

PRETRAIN = Node("pretrain", "all")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LiveView, io.StringIO]]:
    """A view into a pipe that is impatient."""
    monkeypatch.setattr(live, "_SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(live, "_CHECK_SECONDS", 0.02)
    pipe = io.StringIO()
    with LiveView(RunConsole(file=pipe, width=80)) as view:
        yield view, pipe


def _wait_for(pipe: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in pipe.getvalue():
        assert time.monotonic() < deadline, pipe.getvalue()
        time.sleep(0.01)


@pytest.mark.slow
def test_a_piped_run_is_not_silent(piped: tuple[LiveView, io.StringIO]) -> None:
    view, pipe = piped
    _wait_for(pipe, "starting")  # before anything is built, while a server starts
    view.started(PRETRAIN)
    view.progressed(PRETRAIN, 190_000, 200_000, "updates", "")
    view.started(Node("tokenize", "sw"))
    _wait_for(pipe, "190,000/200,000 updates")
    _wait_for(pipe, "tokenize[sw]")
    assert "/s" not in pipe.getvalue(), "a rate from one report"
    for node in (PRETRAIN, Node("tokenize", "sw")):
        view.finished(Finished(node, "cached"))
    _wait_for(pipe, "2 cached")  # such as a run that waits for another one


def test_lines_of_a_stage_are_printed_and_count_as_news(
    piped: tuple[LiveView, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_SILENCE_SECONDS", 1e9)
    view, pipe = piped
    view.started(PRETRAIN)
    view.logged(PRETRAIN, "update 50 of 200: mlm 3.21", repeats_progress=True)
    assert pipe.getvalue() == "  pretrain  update 50 of 200: mlm 3.21\n"


def test_a_terminal_shows_the_state_of_a_job_and_the_answer_to_ctrl_c() -> None:
    """The live table drew over the answer, and no line reported a pending job."""
    console = RunConsole(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with LiveView(console) as view:
        view.started(PRETRAIN)
        view.logged(PRETRAIN, "job 7 PENDING (Priority)", repeats_progress=False)
        view.logged(PRETRAIN, "update 50 of 200", repeats_progress=True)
        view.answered("xlm: xlm-pretrain-1 goes on; press Ctrl-C again")
        _wait_for(console.file, "press Ctrl-C again")  # type: ignore[arg-type]
    lines = _screen(console.file.getvalue())  # type: ignore[attr-defined]
    assert lines == [
        "  pretrain  job 7 PENDING (Priority)",
        "xlm: xlm-pretrain-1 goes on; press Ctrl-C again",
    ]


def _screen(written: str) -> list[str]:
    """The lines of a terminal in the end; lines go up and are erased, as Rich does it."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[?\d]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= int(part[2:-1])
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith(("\x1b", "\r")):
            lines[row] += part
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_live_view_fits_the_terminal_and_cuts_nothing(width: int) -> None:
    console = RunConsole(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    view = LiveView(console)
    view.started(PRETRAIN)
    view.started(Node("tokenize", "xnli.en"))
    for done in (190_000, 190_100):
        view.progressed(PRETRAIN, done, 200_000, "updates", "loss 3.1234, 12,345 tokens/s")
    console.print(view._render())
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 3
    assert max(map(len, lines)) <= width
    assert "190,100/200,000 updates" in lines[0] or width == 40
    assert "…" not in "".join(lines)


DOWNLOADS = [Node("download", f"wikipedia.{code}") for code in ("en", "fr", "sw")]


def _download(view: LiveView) -> None:
    view.expected(dict.fromkeys(DOWNLOADS, 1_000_000))
    for node in DOWNLOADS:
        view.started(node)
    view.progressed(DOWNLOADS[0], 250_000, 1_000_000, "bytes", "enwiki")
    view.progressed(DOWNLOADS[1], 500_000, 1_000_000, "bytes", "frwiki")
    view.progressed(DOWNLOADS[2], 0, None, "", "swwiki waits for a connection")


def test_all_transfers_share_one_bar() -> None:
    console = RunConsole(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    view = LiveView(console)
    _download(view)
    console.print(view._render())
    first, *others = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first.startswith("download ")
    assert "750.0 kB of about 3.0 MB" in first
    assert "0 of 3 files, 1 waiting for a connection" in first
    assert len(others) == 1
    for node in DOWNLOADS:
        view.finished(Finished(node, "built", 1.0))
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(f"✓ {node}  1.0" in written for node in DOWNLOADS)
    assert list(view._running) == []


@pytest.mark.slow
def test_a_pipe_gets_one_line_about_all_transfers(
    piped: tuple[LiveView, io.StringIO],
) -> None:
    view, pipe = piped
    _download(view)
    _wait_for(pipe, "750.0 kB of about 3.0 MB")
    assert "  download  " in pipe.getvalue()
    assert "download[" not in pipe.getvalue()


@pytest.mark.parametrize("gone", ["reader", "room"])
def test_a_reader_that_goes_away_or_a_full_disk_ends_no_node(gone: str) -> None:
    """`xlm run | head` ended the thread that built a node."""
    if gone == "reader":
        reading, writing = os.pipe()
        os.close(reading)
        file = os.fdopen(writing, "w")
    else:
        file = open("/dev/full", "w")  # noqa: PTH123, SIM115 - closed below
    console = RunConsole(file=file)
    with LiveView(console) as view:
        view.started(PRETRAIN)
        for number in range(3):
            view.logged(PRETRAIN, f"line {number}", repeats_progress=False)
        view.finished(Finished(PRETRAIN, "built", 1.0))
    assert console.quiet
    file.close()  # nothing is left that could fail when Python ends


def test_warnings_of_stages_are_lines_of_the_view(
    piped: tuple[LiveView, io.StringIO], capfd: pytest.CaptureFixture[str]
) -> None:
    """They came as `14:13:00.445 | WARNING | xlm.corpus.parallel.extract - v.az: ...`."""
    view, pipe = piped
    ours = logging.getLogger("xlm")
    kept = ours.handlers[:], ours.propagate
    try:
        _print_warnings(view)
        logging.getLogger("xlm.corpus.parallel.extract").warning("v.az: %d bad lines\nof 300", 2)
    finally:
        ours.handlers, ours.propagate = kept
    assert pipe.getvalue() == "! warning: v.az: 2 bad lines of 300\n"
    assert capfd.readouterr().err == ""
