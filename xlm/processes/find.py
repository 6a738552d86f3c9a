"""Finds the programs that the set-up put beside Python.

program = find_program("wikiextractor")
"""

import os
import shutil
import sys
from pathlib import Path

from xlm.errors import ToolError


def find_program(name: str, *, fix: str = "run the set-up again") -> Path:
    """The path of a program: of this environment, else on PATH.

    Raises:
        ToolError: it is installed at neither place; `fix` says how to get it.
    """
    beside = Path(sys.executable).with_name(name)
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which(name)
    if found is None:
        raise ToolError(
            f"the program {name} is neither in {beside.parent} nor on PATH: it is not installed",
            fix=fix,
        )
    return Path(found)
