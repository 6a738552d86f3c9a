"""Segmenters that are installed programs: KyTea, and any that answers each line with a line."""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from xlm.config.environment import kytea_model
from xlm.errors import ToolError
from xlm.processes.programs import capture_process
from xlm.text.segmenters.digest import files_digest
from xlm.text.segmenters.line_program import LineProgram

_VERSION_SECONDS = 20.0


def load_kytea(path: str | None) -> Callable[[str], str]:
    """Load KyTea without tags, as XLM runs it for Japanese.

    Raises:
        ToolError: the program or its model is missing.
    """
    program = _find_kytea(path)
    return LineProgram(
        "KyTea", [str(program), "-notags", "-model", str(_find_kytea_model(program))]
    )


def kytea_identity(path: str | None) -> str:
    """Return the output of `kytea --version` and a digest of the model."""
    program, (model,) = _find_kytea(path), kytea_files(path)
    return f"{_kytea_version(program)}, model {files_digest(model.parent, [model])}"


def kytea_files(path: str | None) -> list[Path]:
    """Return the model."""
    return [_find_kytea_model(_find_kytea(path))]


def load_command(path: str | None) -> Callable[[str], str]:
    """Load a program that answers each line at once with the segmented line.

    Raises:
        ToolError: the program is missing.
    """
    program = _find_program("command", path, "write command:PROGRAM")
    return LineProgram(program.name, [str(program)])


def command_identity(path: str | None) -> str:
    """Return the name and a digest of the program file; other files that it reads do not count."""
    (program,) = command_files(path)
    return f"{program.name} {files_digest(program.parent, [program])}"


def command_files(path: str | None) -> list[Path]:
    """Return the program file."""
    return [_find_program("command", path, "write command:PROGRAM")]


def _find_kytea(path: str | None) -> Path:
    fix = "install KyTea and its model (write kytea:PROGRAM or set XLM_KYTEA if it is not on PATH)"
    return _find_program("kytea", path or "kytea", fix)


def _find_kytea_model(program: Path) -> Path:
    """Return KyTea's default model. The path is explicit, so key and process use the same file."""
    configured = kytea_model()
    model = (
        Path(configured) if configured else program.parent.parent / "share" / "kytea" / "model.bin"
    )
    if not model.is_file():
        raise ToolError(
            f"segmenter kytea: model {model} not found", fix="set KYTEA_MODEL to its model file"
        )
    return model


@cache
def _kytea_version(program: Path) -> str:
    try:
        status, text = capture_process(
            [str(program), "--version"], timeout_seconds=_VERSION_SECONDS
        )
    except ToolError as error:
        raise ToolError(
            f"segmenter kytea: {program} --version failed: {error.what}",
            fix="install KyTea again",
        ) from error
    version = text.split("\n")[0].strip()
    return version if status == 0 and version else "KyTea of unknown version"


def _find_program(name: str, path: str | None, fix: str) -> Path:
    found = shutil.which(path) if path else None
    if found is None:
        what = f"program {path} not found" if path else "no program given"
        raise ToolError(f"segmenter {name}: {what}", fix=fix)
    return Path(os.path.realpath(found))
