"""A file in the store that the driver locks: workers prove with it that they see the store.

<root>/cache/dask/<token>/driver     random text; locked while the driver lives

A worker must read the same text at the same path, find the lock held, and be able to write a file
next to it. Later, the lock tells a worker whether the driver still runs: the kernel releases it
when the driver ends, however that happens.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import read_small
from xlm.store.disk.locks import is_free, is_locked
from xlm.store.store import ArtifactStore


@dataclass(frozen=True)
class Probe:
    """The folder of a run in the store, as the driver and its workers see it."""

    folder: Path
    token: str

    @property
    def root(self) -> Path:
        """Root of the store."""
        return self.folder.parents[2]

    @property
    def path(self) -> Path:
        """The locked file."""
        return self.folder / "driver"

    def driver_lives(self) -> bool:
        """Whether the driver holds the lock."""
        return is_locked(self.path)

    def driver_has_ended(self) -> bool:
        """Whether the lock is free or its folder removed; no answer of the file system is no."""
        try:
            return is_free(self.path)
        except FileNotFoundError:
            return self.folder.parent.is_dir()
        except OSError:
            return False

    def reason_to_refuse(self, name: str) -> str | None:
        """Why the machine of the caller cannot work on the store; None if it can.

        Args:
            name: of the worker, for the file that it writes.
        """
        try:
            if read_small(self.path).decode() != self.token:
                return f"it has another folder at {self.root}"
        except (OSError, ValueError):
            return f"it does not see the store {self.root}"
        if not self.driver_lives():
            return f"it does not see the locks of other machines in {self.root}"
        try:
            (self.folder / f"{name}.worker").write_text(self.token)
        except OSError as error:
            return f"it cannot write in the store {self.root} ({error.strerror or error})"
        return None


@contextmanager
def open_probe(store: ArtifactStore) -> Iterator[Probe]:
    """Write and lock the file; remove the folder at the end.

    Raises:
        StoreError: the store cannot be written.
    """
    token = secrets.token_hex(8)
    probe = Probe(store.cache_directory("dask").resolve() / token, token)
    try:
        probe.folder.mkdir(parents=True)
        # Not inherited: a program that outlives this process must not keep the lock.
        descriptor = os.open(probe.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, token.encode())
        os.fsync(descriptor)
    except OSError as error:
        raise StoreError(
            f"cannot write {probe.folder} ({error.strerror or error})",
            fix="make it writable, or choose another root with --root or XLM_ROOT",
        ) from error
    try:
        yield probe
    finally:
        os.close(descriptor)
        shutil.rmtree(probe.folder, ignore_errors=True)
