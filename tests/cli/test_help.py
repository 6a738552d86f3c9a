"""Help, version and mistyped commands."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import typer
import typer.main

from flows.commands.main import app, main
from tests.cli.terminal import in_terminal
from tests.cli.text.filter_process import REPOSITORY, XLM

COMMAND = typer.main.get_command(app)


def commands() -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every command with its words and its context."""

    def below(command: Any, context: Any, words: tuple[str, ...]) -> Iterator[Any]:
        yield words, command, context
        for name, inner in getattr(command, "commands", {}).items():
            inside = inner.make_context(name, [], parent=context, resilient_parsing=True)
            yield from below(inner, inside, (*words, name))

    context = COMMAND.make_context("xlm", [], resilient_parsing=True)
    yield from below(COMMAND, context, ("xlm",))


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_fits_the_terminal_and_cuts_no_word(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words, command, context in commands():
        text = command.get_help(context)
        assert all(len(line) <= columns for line in text.splitlines()), (words, text)
        named = re.sub(r"(\[[A-Z]+\]|\{[A-Z]+\})\.\.\.", "", text)
        assert "..." not in named, (words, text)
        shown = re.sub(r"<path>|<str>|<list\[str\]>|<mask>| < \w+", "", text)
        assert "<" not in shown, (words, text)


def test_every_command_has_examples_that_its_parser_takes() -> None:
    known = {words: command for words, command, _ in commands()}
    for words, command, _ in commands():
        text = command.epilog or ""
        assert "Examples:" in text, words
        lines = text.partition("Examples:\n")[2].replace("\\\n", " ").splitlines()
        if len(words) == 1:  # with a remark after each
            lines = [re.split(r"\s{2,}", line.strip())[0] for line in lines]
        for line in lines:
            given = shlex.split(re.split(" [<>] ", line)[0])
            found = max((one for one in known if tuple(given[: len(one)]) == one), key=len)
            assert found[: len(words)] == words, line
            with suppress(typer.Exit):  # an example may ask for help
                known[found].make_context(found[-1], given[len(found) :])


@pytest.mark.slow
def test_h_and_help_are_the_same_and_exit_0() -> None:
    for words in (("-h",), ("store", "ls", "-h")):
        short, long = (
            subprocess.run([*XLM, *words[:-1], flag], capture_output=True, cwd=REPOSITORY)
            for flag in ("-h", "--help")
        )
        assert short.stdout == long.stdout
        assert short.stdout.startswith(b"Usage: ")
        assert (short.returncode, short.stderr) == (0, b"")


def test_the_version_is_that_of_the_package() -> None:
    done = subprocess.run([*XLM, "--version"], capture_output=True, cwd=REPOSITORY, text=True)
    assert re.fullmatch(r"xlm \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("pln",), "xlm: unknown command 'pln'; did you mean 'plan'?"),
        (("x" * 500,), f"xlm: unknown command '{'x' * 80}...'; choose from run, plan, "),
        (("store", "lss"), "xlm store: unknown command 'lss'; did you mean 'ls'?"),
        (("run", "--profil", "x"), "xlm run: unknown option '--profil'; did you mean '--profile'?"),
        (("run", "-x"), "xlm run: unknown option '-x'; see `xlm run --help`"),
        (("run", "--set"), "xlm: option --set needs a value; see `xlm --help`"),
        (("tokenize",), "xlm tokenize: option --lang is missing; see `xlm tokenize --help`"),
        (("convert",), "xlm convert: argument SOURCE is missing; see `xlm convert --help`"),
        (("plan", "mini15"), "xlm plan: unexpected argument mini15; see `xlm plan"),
    ],
)
def test_a_mistyped_command_line_is_one_line_on_stderr_and_exit_2(
    arguments: tuple[str, ...],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["xlm", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.startswith(line)
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("value", ["0", "-1", "x", "²", "1_0", "1.5", "9" * 5000, ""])
def test_an_invalid_number_is_one_line(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["xlm", "tokenize", "--lang", "sw", f"--jobs={value}"])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr().err
    assert ended.value.code == 1
    assert printed.startswith("xlm: invalid --jobs ")
    assert printed.endswith("use a whole number of at least 1\n")
    assert len(printed) < 120


@pytest.mark.parametrize("command", ["embed MODEL --lang sw", "evaluate MODEL --task retrieval"])
def test_an_invalid_layer_is_one_line(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["xlm", *command.split(), "--layer=x"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("xlm: invalid --layer 'x'; use a whole number")


def test_help_on_a_real_terminal_of_60_columns() -> None:
    shown = in_terminal("-h", columns=60)
    assert max(map(len, shown.splitlines())) <= 60
    assert "Register the deployments with a running" in shown


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("-h",), ("config",)])
def test_a_reader_that_goes_away_ends_a_command_silently(arguments: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*XLM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) != 0
    process.stderr.close()


@pytest.mark.slow
def test_a_full_disk_and_a_closed_output() -> None:
    command = f"{shlex.join(XLM)} config"
    full = subprocess.run(
        ["sh", "-c", f"{command} > /dev/full"], capture_output=True, cwd=REPOSITORY, text=True
    )
    assert full.returncode == 1
    assert full.stderr == (
        "xlm: standard output cannot be written: No space left on device; write it elsewhere\n"
    )
    closed = subprocess.run(
        ["sh", "-c", f"{command} >&-"], capture_output=True, cwd=REPOSITORY, text=True
    )
    assert (closed.returncode, closed.stderr) == (0, "")
