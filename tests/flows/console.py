"""Runs of `xlm` as a user starts them: real processes, real stores."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.repository import REPOSITORY

XLM = Path(sys.executable).with_name("xlm")


def environment(root: Path) -> dict[str, str]:
    """A user's environment, without settings of Prefect and the tests; the store at `root`."""
    ours = ("PREFECT", "OMP_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"XLM_ROOT": str(root), "XLM_WORKERS": "1"}


def start(
    root: Path,
    *arguments: str,
    cwd: Path = REPOSITORY,
    output: int = subprocess.PIPE,
    **variables: str,
) -> "subprocess.Popen[str]":
    """Start `xlm` in a new session; `variables` override the environment."""
    return subprocess.Popen(
        [XLM, *arguments],
        cwd=cwd,
        env=environment(root) | variables,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def xlm(root: Path, *arguments: str, code: int = 0, timeout_seconds: float = 500) -> str:
    """The output of `xlm`, which must exit with `code`."""
    process = start(root, *arguments)
    printed, _ = process.communicate(timeout=timeout_seconds)
    assert process.returncode == code, printed
    return printed


def digests(root: Path) -> Mapping[str, str]:
    """Node to content digest of every artifact."""
    listing: list[dict[str, Any]] = json.loads(xlm(root, "store", "ls", "--json"))
    return {f"{row['stage']}[{row['unit']}]": row["digest"] for row in listing}


def processes_of(root: Path) -> dict[int, str]:
    """Id and command line of the running processes of this store."""
    marked = f"XLM_ROOT={root}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marked in (process / "environ").read_bytes():
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(process.name)] = line
        except OSError:
            continue
    return {number: line for number, line in found.items() if line}
