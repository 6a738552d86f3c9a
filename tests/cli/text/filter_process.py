"""Filters as processes, with real pipes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.repository import REPOSITORY

XLM = [sys.executable, "-m", "flows.commands.main"]


TOKENIZE = ("tokenize", "--lang", "sw")


def run(*arguments: str | Path, text: bytes = b"", code: int = 0) -> tuple[bytes, str]:
    """Output and errors of a filter, which must exit with `code`."""
    done = subprocess.run(
        [*XLM, *arguments],
        input=text,
        capture_output=True,
        cwd=REPOSITORY,
        timeout=120,
        check=False,
    )
    errors = done.stderr.decode()
    assert done.returncode == code, errors
    return done.stdout, errors


def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*XLM, *arguments], cwd=REPOSITORY, **{**pipes, **options})


def encode_arguments(model: Path) -> tuple[str, ...]:
    return ("encode", "--codes", str(model / "codes"), "--vocab", str(model / "vocab"))
