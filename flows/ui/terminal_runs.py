"""Notes about the runs of `xlm run` on this machine, to notice runs that were killed.

A worker reports the end of its flows, but nothing reports that `xlm run` was killed. So each run
has a tag, and its process keeps a file `<root>/prefect/terminal-runs/<tag>` locked. The kernel
frees the lock when the process dies; then `xlm ui`, or the next `xlm run`, ends the run on the
server.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.locks import hold_shared, is_locked

_KEPT_SECONDS = 30 * 24 * 3600.0
"""How long notes of runs that the server does not know are kept: another server may know them."""
_LOCKED_WITHIN_SECONDS = 2.0
_TAG_BYTES = 4


def note_run(root: Path) -> str:
    """Write the note of the run that this process is about to start; returns its tag.

    The process keeps the lock until it ends. By then the server has the final state of the run, or
    will never get it.

    Raises:
        StoreError: the root cannot be written.
    """
    tag = f"process-{os.getpid()}-{secrets.token_hex(_TAG_BYTES)}"
    hold_shared(_directory(root) / tag)
    return tag


def ended_runs(root: Path) -> Iterator[tuple[str, Path]]:
    """Tag and note of each run that has lost its process."""
    for note in sorted(_directory(root).glob("process-*")):
        with suppress(OSError, StoreError):
            if _is_settled(note) and not is_locked(note, shared=True):
                yield note.name, note


def forget(note: Path, *, known: bool) -> None:
    """Remove a note; a note of a run that the server does not know is kept for a month."""
    with suppress(OSError):
        if known or time.time() - note.lstat().st_mtime > _KEPT_SECONDS:
            note.unlink()


def _is_settled(note: Path) -> bool:
    """Whether the process that created the note has had time to lock it."""
    return abs(time.time() - note.lstat().st_mtime) > _LOCKED_WITHIN_SECONDS


def _directory(root: Path) -> Path:
    return root / "prefect" / "terminal-runs"
