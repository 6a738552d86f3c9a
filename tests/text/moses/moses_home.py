"""Run the Perl scripts of Moses from a checkout of mosesdecoder, as a reference for tests."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


def scripts_or_skip() -> Path:
    """Return the folder of the tokenizer scripts in MOSES_HOME; skip the test if it is not set."""
    home = os.environ.get("MOSES_HOME")
    if not home:
        pytest.skip("MOSES_HOME does not point to a checkout of mosesdecoder")
    scripts = Path(home) / "scripts" / "tokenizer"
    if not (scripts / "tokenizer.perl").is_file():
        pytest.skip(f"MOSES_HOME: no tokenizer.perl in {scripts}")
    return scripts


def filtered(scripts: Path, language: str, rows: Sequence[str]) -> list[str]:
    """Apply the three filters to each row."""
    commands = [
        ["replace-unicode-punctuation.perl"],
        ["normalize-punctuation.perl", "-l", language],
        ["remove-non-printing-char.perl"],
    ]
    return _pipe(scripts, commands, rows)


def tokenized(scripts: Path, language: str, rows: Sequence[str]) -> list[str]:
    """Tokenize each row, which must be filtered."""
    return _pipe(scripts, [["tokenizer.perl", "-q", "-no-escape", "-l", language]], rows)


def _pipe(scripts: Path, commands: list[list[str]], rows: Sequence[str]) -> list[str]:
    text = "".join(f"{row}\n" for row in rows).encode()
    for name, *options in commands:
        # Variables like PERL_UNICODE would change how the scripts read.
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
