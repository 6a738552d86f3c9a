"""One builder at a time for each key: `flock`, which the kernel frees when its holder dies."""

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2


@contextmanager
def build_lock(
    directory: Path, name: str, on_wait: Callable[[], None] = lambda: None
) -> Iterator[bool]:
    """Hold the lock `name`; yields True where another builder held it and was waited for.

    `on_wait` is called some times a second while waiting; an exception from it gives up.
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
            _wait(stream.fileno(), on_wait)
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps({"pid": os.getpid(), "host": os.uname().nodename}))
        stream.flush()
        yield waited


def _wait(descriptor: int, on_wait: Callable[[], None]) -> None:
    # A thread that sleeps inside flock cannot be told that its run was interrupted.
    while True:
        on_wait()
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
