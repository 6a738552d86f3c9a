"""Notes about the flow runs that workers of this machine started.

A server shows no host for a run. On a shared server, other machines run flows too, and a run
without a process here is not lost for that reason. So each flow process leaves an empty file
`<root>/prefect/worker-runs/<host>/<id of the run>`.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from socket import gethostname
from uuid import UUID

_KEPT_SECONDS = 30 * 24 * 3600.0
"""How long notes of runs that the server does not know are kept: another server may know them."""


def note_this_run() -> None:
    """Note the flow run that this process runs, if a worker started it."""
    run_id, root = os.environ.get("PREFECT__FLOW_RUN_ID"), os.environ.get("XLM_ROOT")
    if not (run_id and root):
        return
    with suppress(OSError):  # the run itself reports a root that cannot be written
        folder = _folder(Path(root))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / run_id).touch()


def noted_runs(root: Path) -> list[UUID]:
    """Ids of the flow runs that this machine started and that are not known to have ended."""
    found = []
    for note in sorted(_folder(root).glob("*")):
        with suppress(ValueError):
            found.append(UUID(note.name))
    return found


def forget_run(root: Path, run_id: UUID, *, known: bool) -> None:
    """Remove a note; a note of a run that the server does not know is kept for a month."""
    note = _folder(root) / str(run_id)
    with suppress(OSError):
        if known or time.time() - note.lstat().st_mtime > _KEPT_SECONDS:
            note.unlink()


def _folder(root: Path) -> Path:
    return root / "prefect" / "worker-runs" / gethostname()
