"""The original tools, from the user's own checkout of mosesdecoder: an oracle, never our code."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


def scripts_or_skip() -> Path:
    """The folder of the tokenizer's scripts under MOSES_HOME; skips where that is not set."""
    home = os.environ.get("MOSES_HOME")
    if not home:
        pytest.skip("MOSES_HOME does not point to a checkout of mosesdecoder")
    scripts = Path(home) / "scripts" / "tokenizer"
    if not (scripts / "tokenizer.perl").is_file():
        pytest.skip(f"MOSES_HOME: no tokenizer.perl in {scripts}")
    return scripts


def filtered(scripts: Path, language: str, rows: Sequence[str]) -> list[str]:
    """Each row through the three filters."""
    commands = [
        ["replace-unicode-punctuation.perl"],
        ["normalize-punctuation.perl", "-l", language],
        ["remove-non-printing-char.perl"],
    ]
    return _through(scripts, commands, rows)


def tokenized(scripts: Path, language: str, rows: Sequence[str]) -> list[str]:
    """Each row, filtered already, through the tokenizer."""
    return _through(scripts, [["tokenizer.perl", "-q", "-no-escape", "-l", language]], rows)


def _through(scripts: Path, commands: list[list[str]], rows: Sequence[str]) -> list[str]:
    text = "".join(f"{row}\n" for row in rows).encode()
    for name, *options in commands:
        # PERL_UNICODE and its like would change how the scripts read.
        done = subprocess.run(
            ["perl", str(scripts / name), *options],
            input=text,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            timeout=300,
            check=True,
        )
        text = done.stdout
    lines = text.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(rows)
    return lines
