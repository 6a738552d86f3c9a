"""Durable writes and careful reads: links are not followed, and odd files do not block a reader."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND_FLAGS = (
    os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
)
MOST_BYTES = 64 << 20
"""Of a small file (manifest, record, reference): a larger one is not ours."""


def open_regular(path: Path) -> int:
    """A read-only descriptor of a regular file.

    Raises:
        OSError: it is absent, or a link, a FIFO, a device or a directory.
    """
    descriptor = os.open(path, _READ_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor


def read_small(path: Path) -> bytes:
    """The bytes of a small regular file.

    Raises:
        OSError: it is absent, not a regular file, or larger than `MOST_BYTES`.
    """
    with os.fdopen(open_regular(path), "rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(f"{path} is larger than {MOST_BYTES:,} bytes")
    return data


def write_atomically(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write `data` next to `path`, flush it to the disk, rename it into place.

    `mode` are the permissions of the new file, less the umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    # What a killed process left here may have other permissions, or be a link.
    remove_tree(temporary)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if is_real_directory(path):
            remove_tree(path)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def is_real_directory(path: Path) -> bool:
    """Whether a directory is there; a link to a directory is not one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def is_real_file(path: Path) -> bool:
    """Whether a regular file is there; a link to a file is not one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def make_real_directory(top: Path, *names: str) -> Path:
    """Make `top/name/name/...`; whatever else is in the place of one of them is removed.

    A link is removed, never what it points to. Threads and processes may make the same directory at
    once.
    """
    top.mkdir(parents=True, exist_ok=True)
    directory = top
    for name in names:
        directory = directory / name
        while not is_real_directory(directory):
            # Not remove_tree: after the look, another builder may have made the directory.
            with suppress(FileNotFoundError, IsADirectoryError):
                directory.unlink()
            directory.mkdir(exist_ok=True)
    return directory


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file at its end, created if missing; whatever else is there is removed.

    Raises:
        OSError: it cannot be created or written.
    """
    while os.path.lexists(path) and not is_real_file(path):
        remove_tree(path)
    descriptor = os.open(path, _APPEND_FLAGS, 0o666)
    return os.fdopen(descriptor, "ab")


def walk_real(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Every entry below `directory`, sorted; links are entries and are not followed."""
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from walk_real(Path(entry.path))


def remove_odd_files(directory: Path) -> None:
    """Remove links, FIFOs, sockets and devices below `directory`."""
    for entry in walk_real(directory):
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
            Path(entry.path).unlink()


def remove_empty_directories(directory: Path) -> None:
    """Remove directories below `directory` that hold no file, at any depth."""
    for entry in reversed(list(walk_real(directory))):
        if entry.is_dir(follow_symlinks=False):
            with suppress(OSError):
                Path(entry.path).rmdir()  # refuses one that is not empty


def sync_tree(directory: Path) -> None:
    """Flush every file and directory below `directory` to the disk, itself included."""
    for entry in walk_real(directory):
        if entry.is_dir(follow_symlinks=False):
            sync_directory(Path(entry.path))
        else:
            _sync(Path(entry.path), _READ_FLAGS)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Flush a directory's entries, so that a rename in it survives a power cut."""
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(directory: Path) -> None:
    """Remove a directory that may be absent, or the file or link that is in its place."""
    if is_real_directory(directory):
        shutil.rmtree(directory)
    else:
        directory.unlink(missing_ok=True)
