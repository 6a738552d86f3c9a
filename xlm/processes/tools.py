"""Finds third-party programs, and keeps the caches of third-party packages out of the home.

program = find_program("wikiextractor")
run_process([program, ...], environment=tool_environment(store / "tools"), ...)
"""

import os
import shutil
import sys
from pathlib import Path

from xlm.errors import ToolError


def find_program(name: str, *, fix: str = "run `make setup`") -> Path:
    """The path of a program, first looked for next to Python, then on PATH.

    Raises:
        ToolError: it is in neither place; `fix` says how to install it.
    """
    sibling = Path(sys.executable).with_name(name)
    if os.access(sibling, os.X_OK):
        return sibling
    found = shutil.which(name)
    if found is None:
        raise ToolError(
            f"the program {name} is not installed: it is not in {sibling.parent} and not on PATH",
            fix=fix,
        )
    return Path(found)


def tool_environment(directory: Path) -> dict[str, str]:
    """Environment variables that make pythainlp and matplotlib use caches in `directory`."""
    return {
        "PYTHAINLP_DATA": str(directory / "pythainlp"),
        "MPLCONFIGDIR": str(directory / "matplotlib"),
    }
