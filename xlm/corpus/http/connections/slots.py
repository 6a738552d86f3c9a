"""Limits the connections to one server, over all threads and processes.

    with slot("dumps.wikimedia.org", limit=2, folder=lock_folder(), on_wait=lambda: None):
        ...

Each connection holds the lock of one of `limit` files. The kernel releases it when the process
ends, even by SIGKILL. A thread that waits for one of them holds another lock, `.turn`, so that a
process with many downloads does not take each free slot before another process sees it.
"""

import fcntl
import hashlib
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.25

FoundT = TypeVar("FoundT")

# A limit within this process too: without it, every waiting thread would try the files.
_semaphores: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_semaphores_lock = threading.Lock()
_warned: set[Path] = set()


@contextmanager
def slot(
    server: str, limit: int, folder: Path | None, on_wait: Callable[[], None]
) -> Iterator[None]:
    """Hold one of the `limit` connections to a server.

    Args:
        server: its name, from `server_of`.
        limit: how many connections to it may be open.
        folder: the folder of the locks; None: only this process is counted.
        on_wait: called several times a second while waiting; an exception from it ends the wait.
    """
    with _semaphores_lock:
        semaphore = _semaphores.setdefault((server, limit), threading.BoundedSemaphore(limit))
    while not semaphore.acquire(timeout=_LONGEST_PAUSE_SECONDS):
        on_wait()
    try:
        held = None if folder is None else _take(folder, server, limit, on_wait)
        try:
            yield
        finally:
            if held is not None:
                held.release()
    finally:
        semaphore.release()


@dataclass(frozen=True)
class _Lock:
    """A file whose lock this object holds."""

    path: Path
    descriptor: int

    def release(self) -> None:
        """Remove the file, unless it was replaced meanwhile, and release its lock."""
        with suppress(OSError):
            if _is_at(self.descriptor, self.path):
                self.path.unlink()
        os.close(self.descriptor)


def _take(folder: Path, server: str, limit: int, on_wait: Callable[[], None]) -> _Lock | None:
    """Wait for a free slot; None after a warning if the folder cannot be used any more."""
    readable = re.sub(r"[^a-z0-9.-]", "_", server)[:80]
    name = f"{readable}-{hashlib.sha256(server.encode()).hexdigest()[:12]}"
    paths = [folder / f"{name}.{number}" for number in range(limit)]
    try:
        turn = _poll(lambda: _try(folder / f"{name}.turn"), on_wait)
        try:
            return _poll(lambda: next(filter(None, map(_try, paths)), None), on_wait)
        finally:
            turn.release()
    except OSError as fault:
        if folder not in _warned:
            _warned.add(folder)
            log.warning(
                "connections to servers are only counted within this process from now on: %s: %s",
                folder,
                fault.strerror,
            )
        return None


def _poll(attempt: Callable[[], FoundT | None], on_wait: Callable[[], None]) -> FoundT:
    # Polling, because a thread that blocks in flock cannot react to an interrupt of the run.
    pause = _FIRST_PAUSE_SECONDS
    while (found := attempt()) is None:
        on_wait()
        time.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(1.5 * pause, _LONGEST_PAUSE_SECONDS)
    return found


def _try(path: Path) -> _Lock | None:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have removed the file between the two calls.
        if _is_at(descriptor, path):
            return _Lock(path, descriptor)
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _open(path: Path) -> int:
    # Read-only is enough for a lock, and files of other users can be opened in a shared folder.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            # In a folder that users share, others open it too, whatever our umask is.
            os.fchmod(descriptor, 0o644)
            return descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    ours = os.fstat(descriptor)
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
