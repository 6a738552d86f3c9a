"""One builder at a time for each key: `flock`, which the kernel frees when its last holder dies.

The lock's descriptor is passed to programs that write into the staging directory (`held_locks`), so
that a driver that was killed does not free the lock while its training still runs.
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
from xlm.store.disk.filesystem import is_real_file, make_real_directory, read_small, remove_tree

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_REPEAT_SECONDS = 60.0
"""How often a wait is reported again."""
_MOST_COMMAND = 120

_held: ContextVar[tuple[int, ...]] = ContextVar("held_locks", default=())


def held_locks() -> tuple[int, ...]:
    """Descriptors of the locks that the calling thread holds, for the programs that it starts."""
    return _held.get()


@contextmanager
def build_lock(
    directory: Path,
    name: str,
    on_wait: Callable[[], None] = lambda: None,
    report: Callable[[str], None] = log.info,
) -> Iterator[bool]:
    """Hold the lock `name`; yields True where another builder held it and was waited for.

    `on_wait` is called several times a second while waiting; an exception from it gives up.
    `report` gets a line that says who holds the lock, at once and then once a minute.
    The lock file is opened anew by each holder, so that two threads of one process exclude each
    other too.

    Raises:
        StoreError: the lock file cannot be written.
    """
    path = _make_directory(directory) / f"{name}.lock"
    descriptor = _open(path)
    try:
        waited = not _try(descriptor)
        if waited:
            _wait(descriptor, path, on_wait, report)
        line = {
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "command": " ".join(sys.argv)[:_MOST_COMMAND],
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(line).encode(), 0)
        token = _held.set((*_held.get(), descriptor))
        try:
            yield waited
        finally:
            _held.reset(token)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say, with a shared lock on `path`, that this process writes; it ends with the process."""
    descriptor = hold_shared(path)
    try:
        yield
    finally:
        os.close(descriptor)


def hold_shared(path: Path) -> int:
    """Create a file and lock it until the descriptor is closed, at the latest by our end.

    Raises:
        StoreError: the file cannot be written.
    """
    _make_directory(path.parent)
    descriptor = _open(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_held(path: Path) -> bool:
    """Whether another descriptor, of this process or another one, holds a lock on the file.

    Raises:
        StoreError: the file cannot be opened.
    """
    descriptor = _open(path)
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def wait_for_writers(
    path: Path, on_wait: Callable[[], None], report: Callable[[str], None] = log.info
) -> None:
    """Wait until no process is inside of `writing(path)`."""
    _make_directory(path.parent)
    descriptor = _open(path)
    try:
        if not _try(descriptor):
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
            remove_tree(path)  # a link, a directory or a socket was in its place
            continue
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        remove_tree(path)
    raise StoreError(f"{path} cannot be opened", fix="remove it")


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write {path} ({error.strerror})",
        fix="let this user write there, or choose another root with --root or XLM_ROOT",
    )


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(
    descriptor: int, path: Path, on_wait: Callable[[], None], report: Callable[[str], None]
) -> None:
    # A thread that sleeps inside flock cannot be told that its run was interrupted.
    next_report = time.monotonic()
    while not _try(descriptor):
        on_wait()
        if time.monotonic() >= next_report:
            report(f"waiting for {_holder(path)}")
            next_report = time.monotonic() + _REPEAT_SECONDS
        time.sleep(_POLL_SECONDS)


def _holder(path: Path) -> str:
    """Who holds a lock: processes that have it open, else what its file says."""
    own = os.getpid()
    others = [pid for pid in _openers(path) if pid != own]
    since = host = ""
    pid: object = own
    with suppress(OSError, ValueError, TypeError, RecursionError):
        told = json.loads(read_small(path))
        since, host, pid = str(told.get("since", "")), str(told.get("host", "")), told.get("pid")
    since = f", since {since}" if since else ""
    if others:
        # Those that wait have it open too; who wrote the file holds it, if it is alive.
        first = [one for one in others if one == pid] or others
        return "; ".join(_describe(one) for one in first[:3]) + since
    if pid == own:
        return f"another part of this run{since}"
    return f"process {pid} on {host or 'another machine'}{since}"


def _openers(path: Path) -> list[int]:
    """Processes of this machine that have the file open, as far as this user may see."""
    try:
        wanted = path.stat()
    except OSError:
        return []
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for link in (process / "fd").iterdir():
                opened = link.stat()
                if (opened.st_ino, opened.st_dev) == (wanted.st_ino, wanted.st_dev):
                    found.append(int(process.name))
                    break
    return sorted(found)


def _describe(pid: int) -> str:
    command, state = "", ""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        command = " ".join(words).strip()[:_MOST_COMMAND]
        status = Path(f"/proc/{pid}/status").read_text()
        if "\nState:\tT" in status:
            state = ", stopped: continue it with `kill -CONT` or end it with `kill -9`"
    return f"process {pid} ({command}{state})" if command or state else f"process {pid}"
