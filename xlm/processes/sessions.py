"""How long the processes of a job have run, in all its sessions, also those that were killed.

    with recorded_session(job):           # child side, around the work
        train()
    read_sessions(job).process_seconds    # parent side, at the end

A session is one start of one process. Its record is a file next to the job file, so it stays with
the checkpoints until the artifact is published. The time of a job in a queue is not part.
"""

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xlm.store.disk.filesystem import write_atomically

_TOKEN_BYTES: Final = 8
_SHORTEST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 30.0
_SHARE: Final = 0.1
"""A process that is killed loses this share of its session: at least 1 s, at most 30 s."""


@dataclass(frozen=True)
class Sessions:
    """Sums over all sessions of all processes."""

    process_seconds: float = 0.0
    """Wall time."""
    cpu_seconds: float = 0.0


@contextmanager
def recorded_session(job: Path) -> Iterator[None]:
    """Record how long the body runs in this process, as its time goes on and at its end."""
    path = _directory(job) / f"{secrets.token_hex(_TOKEN_BYTES)}.json"
    began, ended = time.monotonic(), threading.Event()

    def write() -> float:
        """Replace the record; returns the seconds until the next time."""
        seconds = time.monotonic() - began
        # A folder that was removed must not come back.
        if path.parent.is_dir():
            record = {"process_seconds": round(seconds, 3), "cpu_seconds": _cpu_seconds()}
            with suppress(OSError):  # a measurement does not end the work
                write_atomically(path, (json.dumps(record) + "\n").encode())
        return min(max(_SHARE * seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS)

    def keep_writing(pause_seconds: float) -> None:
        while not ended.wait(pause_seconds):
            pause_seconds = write()

    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
    thread = threading.Thread(target=keep_writing, args=(write(),), name="session", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        write()


def read_sessions(job: Path) -> Sessions:
    """Sum the sessions of a job; a record that cannot be read does not count."""
    process_seconds = cpu_seconds = 0.0
    for path in sorted(_directory(job).glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(path.read_bytes())
            seconds, cpu = float(record["process_seconds"]), float(record["cpu_seconds"])
            process_seconds, cpu_seconds = process_seconds + seconds, cpu_seconds + cpu
    return Sessions(round(process_seconds, 3), round(cpu_seconds, 3))


def _directory(job: Path) -> Path:
    return job.with_suffix(".sessions")


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    return round(sum(os.times()[:4]), 3)
