"""Leases: the keys that running processes use, so that nothing removes them.

<root>/leases/<name>.lease    one line for each key; locked while its process lives

    with leased(root, "20261129T001500-4711") as lease:
        lease.hold("tokenize", key)     # before the artifact is looked up
    with removing(root): ...            # nobody can take a new hold meanwhile

A process that was killed leaves its lease without a lock: the keys that it used can still be read.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xlm.store.disk.filesystem import (
    is_real_file,
    make_real_directory,
    read_small,
)
from xlm.store.disk.locks import build_lock, hold_shared, is_locked

log = logging.getLogger(__name__)

LEASES = "leases"
REMOVED = "removed"
"""Directory below the store's root for what is being deleted."""
_SUFFIX = ".lease"

HeldKey = tuple[str, str]
"""Stage and key."""


class Lease:
    """The keys that this process uses. Methods are called from many threads."""

    def __init__(self, root: Path, name: str, descriptor: int) -> None:
        self._gate = _gate(root)
        self.name = name
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._keys: set[HeldKey] = set()
        self._gates: list[int] = []

    def hold(self, stage: str, key: str) -> None:
        """Add a key. It waits while another process removes artifacts, which takes seconds."""
        with self._lock:
            if (stage, key) in self._keys:
                return
            gate = hold_shared(self._gate)
            self._keys.add((stage, key))
            try:
                os.write(self._descriptor, f"{stage} {key}\n".encode())
            except OSError:
                # The disk is full. Keep the gate: nothing is removed while this process runs.
                self._gates.append(gate)
            else:
                os.close(gate)

    def keys(self) -> frozenset[HeldKey]:
        """The keys that were added so far."""
        with self._lock:
            return frozenset(self._keys)

    def close(self) -> None:
        """Release all keys."""
        for descriptor in (*self._gates, self._descriptor):
            os.close(descriptor)


@contextmanager
def leased(root: Path, name: str) -> Iterator[Lease]:
    """Yield a new lease, and remove it at the end.

    Raises:
        StoreError: the store cannot be written.
    """
    gate = hold_shared(_gate(root))
    try:
        make_real_directory(root, REMOVED)  # later, the disk may be too full for it
        path = make_real_directory(root, LEASES) / f"{name}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(gate)
    lease = Lease(root, name, descriptor)
    try:
        yield lease
    finally:
        path.unlink(missing_ok=True)
        lease.close()


@contextmanager
def removing(root: Path, report: Callable[[str], None] = log.info) -> Iterator[None]:
    """Keep other processes from using further keys while this one removes artifacts.

    Keep the time short: runs wait for it. Two processes cannot be inside at the same time.

    Args:
        root: root of the store.
        report: receives a line that names the process that this one waits for.

    Raises:
        StoreError: the store cannot be written.
    """
    with build_lock(root / "locks", "removal", report=report):
        yield


def is_live(root: Path, name: str) -> bool:
    """Whether the process of a lease still runs."""
    return is_locked(_path(root, name))


def keys_of(root: Path, name: str) -> frozenset[HeldKey]:
    """The keys of a lease; empty if it does not exist."""
    try:
        lines = read_small(_path(root, name)).decode(errors="replace").splitlines()
    except OSError:
        return frozenset()
    # The last line of a killed process may be incomplete.
    return frozenset((words[0], words[1]) for line in lines if len(words := line.split()) == 2)


def lease_names(root: Path) -> list[str]:
    """The names of all leases, live or not, sorted."""
    home = root / LEASES
    return sorted(path.stem for path in home.glob(f"*{_SUFFIX}") if is_real_file(path))


def live_keys(root: Path) -> frozenset[HeldKey]:
    """The keys that running processes use."""
    names = [name for name in lease_names(root) if is_live(root, name)]
    return frozenset().union(*(keys_of(root, name) for name in names))


def remove_lease(root: Path, name: str) -> None:
    """Remove the lease of a process that has ended."""
    with suppress(OSError):
        _path(root, name).unlink()


def _gate(root: Path) -> Path:
    return root / "locks" / "removal.lock"


def _path(root: Path, name: str) -> Path:
    return root / LEASES / f"{name}{_SUFFIX}"
