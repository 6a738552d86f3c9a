"""Finds processes of this machine by their environment variables."""

import os
from pathlib import Path

_RUN_ID = "PREFECT__FLOW_RUN_ID"
"""Variable that workers set for the process of a flow; its children inherit it."""


def processes_of_run(run_id: str) -> list[int]:
    """Ids of the processes on this machine that belong to a flow run."""
    return processes_with(f"{_RUN_ID}={run_id}".encode())


def processes_with(*marks: bytes) -> list[int]:
    """Other processes that have, for each mark, an environment variable that starts with it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            zombie = b"\nState:\tZ" in (process / "status").read_bytes()
        except OSError:
            continue  # it has ended, or belongs to another user
        if zombie or int(process.name) == os.getpid():
            continue
        if all(any(variable.startswith(mark) for variable in variables) for mark in marks):
            found.append(int(process.name))
    return found
