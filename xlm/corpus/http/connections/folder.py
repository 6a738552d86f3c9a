"""Finds the folder of the locks that count connections: one for all processes of a user.

It does not depend on the store, so runs with different roots share it. Nor does it depend on
XDG_RUNTIME_DIR or TMPDIR, which differ between a terminal, a job of cron and a job of a cluster.
"""

import fcntl
import logging
import os
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from xlm.config.environment import connections_folder

log = logging.getLogger(__name__)

_PREFIX = "xlm-connections"


def lock_folder() -> Path | None:
    """The folder of the locks; None after a warning if there is none that is safe and writable."""
    return _find(connections_folder(), _temporary_folders(), os.geteuid())


@lru_cache(maxsize=8)
def _find(named: str | None, bases: tuple[str, ...], user: int) -> Path | None:
    if named is not None:
        folder, fault = Path(named), _fault_of_named(Path(named))
        if fault is None:
            return folder
        _warn(folder, fault)
        return None
    faults = {}
    for base in dict.fromkeys(bases):
        folder = Path(base) / f"{_PREFIX}-{user}"
        faults[folder] = _fault_of_own(folder, user)
        if faults[folder] is None:
            return folder
    folder, fault = next(iter(faults.items()))
    _warn(folder, str(fault))
    return None


def _temporary_folders() -> tuple[str, ...]:
    # Without a folder that can be written, `gettempdir` raises.
    with suppress(OSError):
        return "/tmp", tempfile.gettempdir()
    return ("/tmp",)


def _fault_of_named(folder: Path) -> str | None:
    """Why the folder in XLM_CONNECTIONS cannot be used; it may belong to another user."""
    return _fault_of_writing(folder) if folder.is_dir() else "it is not a folder"


def _fault_of_own(folder: Path, user: int) -> str | None:
    """Why a folder in a directory that all users may write to is not ours; None if it is."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as fault:
        return fault.strerror
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder"
    if status.st_uid != user or status.st_mode & 0o022:
        return "other users may write to it"
    return _fault_of_writing(folder)


def _fault_of_writing(folder: Path) -> str | None:
    try:
        # Locks are taken on files that are open for reading; not every network disk allows that.
        with tempfile.NamedTemporaryFile(dir=folder) as file, Path(file.name).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except OSError as fault:
        return fault.strerror


def _warn(folder: Path, fault: str) -> None:
    log.warning(
        "connections to servers are only counted within this process, because %s cannot be used "
        "(%s); name another folder in XLM_CONNECTIONS",
        folder,
        fault,
    )
