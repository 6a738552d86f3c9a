"""Commands, options and settings that documents name: the real parsers take each of them."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
import yaml

from flows.commands.main import app
from tests.repository import REPOSITORY
from xlm.config.reading.resolve import resolve
from xlm.errors import ConfigError

DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / ".github").rglob("*_*.*")),
]
FENCED = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PLACEHOLDER = re.compile(r"\.\.\.|…|[<>]|\bKEY\b|\bN\b")
VERBS = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))


def code_lines(text: str) -> Iterator[str]:
    """Lines of code blocks, continued lines joined, and code within sentences."""
    for block in FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield re.sub(r"\s+#.*", "", line).strip().removeprefix("$ ")
    yield from INLINE.findall(FENCED.sub("", text))


def commands_of(line: str) -> Iterator[list[str]]:
    """The `xlm` command lines of a line: between pipes, without redirections."""
    for part in re.split(r"\s\|\s|&&|;", line):
        if re.match(r"(\.venv/bin/)?xlm\s", part):
            yield shlex.split(re.sub(r"\s[<>](?!mask>).*", "", part))


def parse(words: list[str]) -> dict[str, Any]:
    """What the real parser makes of a command line, down to the command that it names."""
    command: Any = typer.main.get_command(app)
    context = None
    rest = words[1:]
    names = ["xlm"]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        parent = command.make_context(names[-1], [], parent=context, resilient_parsing=True)
        name, command, rest = command.resolve_command(parent, rest)
        names.append(name)
        context = parent
    if hasattr(command, "commands"):
        return {}
    # A sentence may name a command or an option without all that the command needs.
    with suppress(typer.Exit):
        try:
            return dict(command.make_context(names[-1], rest, parent=context).params)
        except typer.BadParameter as error:
            if error.message or error.param is None:
                raise
        except typer.TyperException as error:
            if "requires an argument" not in error.message:
                raise
    return {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_of_a_document_exist(document: Path) -> None:
    lines = code_lines(document.read_text(encoding="utf-8"))
    faults = [fault for line in lines for words in commands_of(line) if (fault := _fault_of(words))]
    assert faults == []


def _fault_of(words: list[str]) -> str:
    try:
        parse([word for word in words if word not in ("...", "|")])
    except (typer.TyperException, ConfigError) as error:
        return f"{' '.join(words)}: {error.args}"
    return ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_settings_of_a_document_exist(document: Path) -> None:
    faults = [
        f"{line}: {key}"
        for line in code_lines(document.read_text(encoding="utf-8"))
        for key, value in re.findall(r"--set '?([\w.]+)=([^\s'`]+|\[[^\]]*\])", line)
        if not _is_setting(key, "null" if PLACEHOLDER.search(value) else value)
    ]
    assert faults == []


def _is_setting(key: str, value: str) -> bool:
    """Whether the setting exists; its value may be an example that does not validate."""
    try:
        resolve("mini15", [f"{key}={value}"])
    except ConfigError as error:
        return "unknown setting" not in str(error)
    return True


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_verbs_and_deployments_of_a_document_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    deployments = {
        one["name"]
        for one in yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
    }
    for line in code_lines(text):
        if found := re.match(r"make ([\w-]+)", line):
            assert found[1] in VERBS, f"{document.name}: {line}"
        if found := re.search(r"deployment run xlm/([\w-]+)", line):
            assert found[1] in deployments, f"{document.name}: {line}"


def test_a_wrong_option_would_be_seen() -> None:
    with pytest.raises(typer.TyperException):
        parse(["xlm", "run", "--profil", "mini15"])
    with pytest.raises(typer.TyperException):
        parse(["xlm", "bpe", "aply"])
    assert parse(["xlm", "run", "--until", "pretrain"])["until"] == "pretrain"
    assert list(commands_of("xlm tokenize --lang sw < raw | xlm encode --tokenized > ids")) == [
        ["xlm", "tokenize", "--lang", "sw"],
        ["xlm", "encode", "--tokenized"],
    ]


def test_make_help_is_aligned_and_fits_80_columns() -> None:
    # The tests themselves run below `make test`, where make also prints the folders it enters.
    command = ["make", "--no-print-directory", "help"]
    printed = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {line.split()[1] for line in printed} == VERBS
    assert max(map(len, printed)) <= 80
    for line in printed:
        found = re.fullmatch(r"  make (\S+)( +)(\S.*)", line)
        assert found is not None, line
        verb, gap, text = found.groups()
        assert len(verb) + len(gap) == 21, line
        assert len(gap) > 1
        assert text
