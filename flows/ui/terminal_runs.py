"""Notes of which runs this machine's `xlm run` executes, so that somebody notices when one ends.

A worker reports the end of the flows that it started. Nobody reports that `xlm run` was killed, so
each run has a tag, and a file `<root>/prefect/terminal-runs/<tag>` that its process keeps locked.
The kernel frees the lock with the process; the next `xlm run`, or `xlm ui`, then ends the run on
the server.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.locks import hold_shared, is_held

_KEPT_SECONDS = 30 * 24 * 3600.0
"""Notes of runs that no server of this root knows are kept this long: another server may."""
_LOCKED_WITHIN_SECONDS = 2.0
_TAG_BYTES = 4


def note_run(root: Path) -> str:
    """Write the note of the run that this process starts next; returns the tag of the run.

    The process keeps the lock until it ends: the last state of the run is on the server by then,
    or never will be.

    Raises:
        StoreError: the root cannot be written.
    """
    tag = f"process-{os.getpid()}-{secrets.token_hex(_TAG_BYTES)}"
    hold_shared(_directory(root) / tag)
    return tag


def ended_runs(root: Path) -> Iterator[tuple[str, Path]]:
    """The tag and the note of each run that has no process any more."""
    for note in sorted(_directory(root).glob("process-*")):
        with suppress(OSError, StoreError):
            if _is_settled(note) and not is_held(note):
                yield note.name, note


def forget(note: Path, *, known: bool) -> None:
    """Remove a note that has served; one of a run that the server does not know is kept a month."""
    with suppress(OSError):
        if known or time.time() - note.lstat().st_mtime > _KEPT_SECONDS:
            note.unlink()


def _is_settled(note: Path) -> bool:
    """Whether the process that created the note had the time to lock it."""
    return abs(time.time() - note.lstat().st_mtime) > _LOCKED_WITHIN_SECONDS


def _directory(root: Path) -> Path:
    return root / "prefect" / "terminal-runs"
