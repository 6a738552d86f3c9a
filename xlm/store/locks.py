"""One builder at a time for each key: `flock`, which the kernel frees when its holder dies."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def build_lock(directory: Path, name: str) -> Iterator[bool]:
    """Hold the lock `name`; yields True where another builder held it and was waited for.

    The lock file is opened anew by each holder, so that two threads of one process exclude each
    other too, and is never inherited by children (Python opens close-on-exec).
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.lock"
    with path.open("a+") as stream:
        waited = False
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            log.info("%s is being built by %s; waiting for it", name, _holder(path))
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps({"pid": os.getpid(), "host": os.uname().nodename}))
        stream.flush()
        yield waited


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
