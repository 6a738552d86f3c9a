"""Segmenters that are programs of the user's: KyTea, and any that answers a line with a line."""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from xlm.config.environment import kytea_model
from xlm.errors import ToolError
from xlm.text.segmenters.digest import files_digest
from xlm.text.segmenters.line_program import LineProgram

_VERSION_SECONDS = 20.0


def load_kytea(path: str | None) -> Callable[[str], str]:
    """KyTea without tags, as XLM ran it for Japanese.

    Raises:
        ToolError: program or model is not there.
    """
    program = _kytea(path)
    return LineProgram("KyTea", [str(program), "-notags", "-model", str(_kytea_model(program))])


def kytea_identity(path: str | None) -> str:
    """What `kytea --version` says, and a digest of the model."""
    program = _kytea(path)
    model = _kytea_model(program)
    return f"{_kytea_version(program)}, model {files_digest(model.parent, [model])}"


def load_command(path: str | None) -> Callable[[str], str]:
    """Any program that reads lines and answers each, at once, with the line in words.

    Raises:
        ToolError: there is no such program.
    """
    program = _program("command", path, "write command:PROGRAM")
    return LineProgram(program.name, [str(program)])


def command_identity(path: str | None) -> str:
    """Name and digest of the program; what it reads besides is for its owner to know."""
    program = _program("command", path, "write command:PROGRAM")
    return f"{program.name} {files_digest(program.parent, [program])}"


def _kytea(path: str | None) -> Path:
    fix = "install KyTea and its model (write kytea:PROGRAM or set XLM_KYTEA if it is not on PATH)"
    return _program("kytea", path or "kytea", fix)


def _kytea_model(program: Path) -> Path:
    """The model that KyTea itself would take, named so that key and process mean the same file."""
    named = kytea_model()
    model = Path(named) if named else program.parent.parent / "share" / "kytea" / "model.bin"
    if not model.is_file():
        raise ToolError(
            f"segmenter kytea: there is no model {model}", fix="set KYTEA_MODEL to its model file"
        )
    return model


@cache
def _kytea_version(program: Path) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(
            f"segmenter kytea: {program} --version: {error}", fix="install KyTea again"
        ) from error
    said = done.stdout.decode(errors="replace").strip().split("\n")[0]
    return said if done.returncode == 0 and said else "KyTea of unknown version"


def _program(name: str, path: str | None, fix: str) -> Path:
    found = shutil.which(path) if path else None
    if found is None:
        what = f"there is no program {path}" if path else "no program was named"
        raise ToolError(f"segmenter {name}: {what}", fix=fix)
    return Path(os.path.realpath(found))
