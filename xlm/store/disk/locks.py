"""Locks that allow one builder for each key: `flock`, which the kernel releases on process exit.

Programs that write into the staging directory inherit the lock's descriptor (`held_locks`). So the
lock stays held while training runs, even if the process that started it was killed.
"""

import fcntl
import json
import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import (
    is_real_file,
    make_real_directory,
    open_regular,
    remove_tree,
)
from xlm.store.disk.lock_holders import MAX_COMMAND_CHARACTERS, describe_holder

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_SILENT_SECONDS = 5.0
_REPEAT_SECONDS = 60.0
"""Interval at which a wait is reported again."""

_held: ContextVar[tuple[int, ...]] = ContextVar("held_locks", default=())


def held_locks() -> tuple[int, ...]:
    """Return the descriptors of the locks that the calling thread holds, for child processes."""
    return _held.get()


@contextmanager
def build_lock(
    directory: Path,
    name: str,
    on_wait: Callable[[], None] = lambda: None,
    report: Callable[[str], None] = log.info,
) -> Iterator[bool]:
    """Hold the lock `name`; yields True if another builder held it first.

    Each holder opens the lock file itself, so that threads of one process exclude each other too.

    Args:
        directory: the directory of lock files; created if missing.
        name: name of the lock.
        on_wait: called several times a second while waiting; an exception from it ends the wait.
        report: receives a line that names the holder, at once and then once a minute.

    Raises:
        StoreError: the lock file cannot be written.
    """
    path = _make_directory(directory) / f"{name}.lock"
    descriptor = _open(path)
    try:
        waited = not _try_lock(descriptor)
        if waited:
            _wait(descriptor, path, on_wait, report)
        holder = {
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "command": " ".join(sys.argv)[:MAX_COMMAND_CHARACTERS],
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with suppress(OSError):  # a full disk: only messages need the contents
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        token = _held.set((*_held.get(), descriptor))
        try:
            yield waited
        finally:
            _held.reset(token)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold a shared lock on `path` while this process writes into a staging directory."""
    descriptor = hold_shared(path)
    try:
        yield
    finally:
        os.close(descriptor)


def hold_shared(path: Path) -> int:
    """Create a file and hold a shared lock on it until the returned descriptor is closed.

    The kernel closes the descriptor when the process exits. A wait of more than some seconds is
    logged: the holder of an exclusive lock may be a stopped process.

    Raises:
        StoreError: the file cannot be written.
    """
    _make_directory(path.parent)
    descriptor = _open(path)
    if not _try_lock(descriptor, fcntl.LOCK_SH):
        _wait(descriptor, path, lambda: None, log.warning, fcntl.LOCK_SH, silent=_SILENT_SECONDS)
    return descriptor


def is_locked(path: Path, *, shared: bool = False) -> bool:
    """Whether another descriptor holds a lock on a file, which a reader of the store can ask too.

    Args:
        path: a lock file; it is not created.
        shared: whether shared locks count, as those of `hold_shared` do.
    """
    try:
        descriptor = open_regular(path)
    except OSError:
        return False
    return not _is_free(descriptor, fcntl.LOCK_EX if shared else fcntl.LOCK_SH)


def is_free(path: Path) -> bool:
    """Whether no other descriptor holds an exclusive lock on a file.

    Raises:
        OSError: the file cannot be opened or locked, so that nobody knows.
    """
    return _is_free(open_regular(path), fcntl.LOCK_SH)


def wait_for_writers(
    path: Path, on_wait: Callable[[], None], report: Callable[[str], None] = log.info
) -> None:
    """Wait until no process is inside `writing(path)`; see `build_lock` for the callbacks."""
    _make_directory(path.parent)
    descriptor = _open(path)
    try:
        if not _try_lock(descriptor):
            _wait(descriptor, path, on_wait, report)
    finally:
        os.close(descriptor)


def _make_directory(directory: Path) -> Path:
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        return make_real_directory(directory.parent, directory.name)
    except OSError as error:
        raise _refused(directory, error) from error


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    for _ in range(2):
        try:
            descriptor = os.open(path, flags, 0o666)
        except PermissionError as error:
            raise _refused(path, error) from error
        except OSError as error:
            if is_real_file(path) or not os.path.lexists(path):
                raise _refused(path, error) from error
            remove_tree(path)  # a link, a directory or a socket
            continue
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        remove_tree(path)
    raise StoreError(f"{path} cannot be opened", fix="remove it")


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write {path} ({error.strerror})",
        fix="make it writable, or choose another root with --root or XLM_ROOT",
    )


def _is_free(descriptor: int, kind: int) -> bool:
    try:
        return _try_lock(descriptor, kind)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(
    descriptor: int,
    path: Path,
    on_wait: Callable[[], None],
    report: Callable[[str], None],
    kind: int = fcntl.LOCK_EX,
    silent: float = 0.0,
) -> None:
    # Polling, because a thread that blocks in flock cannot react to an interrupt of the run.
    next_report = time.monotonic() + silent
    while not _try_lock(descriptor, kind):
        on_wait()
        if time.monotonic() >= next_report:
            report(f"waiting for {describe_holder(path)}")
            next_report = time.monotonic() + _REPEAT_SECONDS
        time.sleep(_POLL_SECONDS)
