"""Describes which processes hold a lock file, for messages to a user who waits for it."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from xlm.store.disk.filesystem import read_small

MAX_COMMAND_CHARACTERS = 120
_MAX_PROCESSES = 3


def describe_holder(path: Path) -> str:
    """Describe the holder of a lock: from /proc, or else from the contents of the lock file."""
    own = os.getpid()
    others = [pid for pid in _processes_with_open(path) if pid != own]
    since = host = ""
    holder: object = own
    with suppress(OSError, ValueError, TypeError, RecursionError):
        recorded = json.loads(read_small(path))
        since, host = str(recorded.get("since", "")), str(recorded.get("host", ""))
        holder = recorded.get("pid")
    since = f", since {since}" if since else ""
    if host not in ("", os.uname().nodename):
        # Pods have the same process ids, and the processes here only wait.
        return f"process {holder} on {host}{since}"
    if others:
        # Waiting processes have the file open too. The process that wrote it holds the lock.
        return _describe_all([pid for pid in others if pid == holder] or others) + since
    if holder == own:
        return f"another part of this run{since}"
    return f"process {holder} on {host or 'another machine'}{since}"


def _processes_with_open(path: Path) -> list[int]:
    """List the processes of this machine that have the file open and that this user may inspect."""
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


def _describe_all(pids: Iterable[int]) -> str:
    return "; ".join(_describe(pid) for pid in list(pids)[:_MAX_PROCESSES])


def _describe(pid: int) -> str:
    command, state = "", ""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        command = " ".join(words).strip()[:MAX_COMMAND_CHARACTERS]
        status = Path(f"/proc/{pid}/status").read_text()
        if "\nState:\tT" in status:
            state = ", stopped: continue it with `kill -CONT` or end it with `kill -9`"
    return f"process {pid} ({command}{state})" if command or state else f"process {pid}"
