"""Checks free disk space before and during a download, and reports a full disk as an error."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xlm.errors import StoreError

_RESERVE_BYTES = 64 << 20
CHECK_EVERY_BYTES = 16 << 20
"""How often the space is checked while a file of unknown size arrives."""


def require_space(path: Path, needed_bytes: int) -> None:
    """Check that a file can grow by `needed_bytes`.

    Raises:
        StoreError: the disk would be full; the bytes that have arrived are kept.
    """
    free = free_bytes(path)
    if needed_bytes + _RESERVE_BYTES > free:
        raise _no_space(path, f"{needed_bytes:,} bytes are needed, {free:,} are free")


def has_reserve(path: Path) -> bool:
    """Whether the reserve for everything else on the disk is still free."""
    return free_bytes(path) >= _RESERVE_BYTES


def free_bytes(path: Path) -> int:
    """Free bytes on the disk of a file's folder."""
    return shutil.disk_usage(path.parent).free


@contextmanager
def report_full_disk(path: Path) -> Iterator[None]:
    """Turn an `OSError` of a full disk into a `StoreError`; all others pass unchanged."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise _no_space(path, fault.strerror or "no space") from fault


def _no_space(path: Path, detail: str) -> StoreError:
    return StoreError(
        f"the disk of {path.parent} is too full: {detail}",
        fix="free some space or choose another root; the bytes that have arrived are kept",
    )
