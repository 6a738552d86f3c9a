"""Durable writes and careful reads on a local file system.

"Real" means: not a symbolic link. Links are never followed, and special files (FIFOs, sockets,
devices) never block a reader.
"""

import os
import re
import secrets
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
_TOKEN_BYTES = 4
# Earlier versions put the process id in the place of the token.
_DRAFT = re.compile(r"\..+\.([0-9]+|[0-9a-f]{8})\.part", re.ASCII | re.DOTALL)
MAX_SMALL_BYTES = 64 << 20
"""Size limit of `read_small`: manifests, records and references are smaller."""


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor.

    Raises:
        OSError: the path is missing, or is a link, a directory or a special file.
    """
    descriptor = os.open(path, _READ_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor


def read_small(path: Path) -> bytes:
    """Read a small regular file.

    Raises:
        OSError: the file is missing, not regular, or larger than `MAX_SMALL_BYTES`.
    """
    with os.fdopen(open_regular(path), "rb") as stream:
        data = stream.read(MAX_SMALL_BYTES + 1)
    if len(data) > MAX_SMALL_BYTES:
        raise OSError(f"{path} is larger than {MAX_SMALL_BYTES:,} bytes")
    return data


def write_atomically(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Replace a file: write a draft next to it, flush it to the disk, rename it.

    Args:
        path: the file; missing parent directories are created.
        data: the new contents.
        mode: the permissions of the new file, before the umask is applied.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stream, draft = new_draft(path, mode)
    try:
        with stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if is_real_directory(path):
            remove_tree(path)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def new_draft(path: Path, mode: int = 0o666) -> tuple[BinaryIO, Path]:
    """Create a file next to `path` that no other writer has, and return it with its name.

    Writers in several pods have the same process id, so the name is random. If the writer is killed
    the draft stays; see `is_draft`.
    """
    while True:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(_TOKEN_BYTES)}.part")
        with suppress(FileExistsError):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            return os.fdopen(descriptor, "wb"), draft


def is_draft(name: str) -> bool:
    """Whether a file's name is that of a draft, also of earlier versions."""
    return _DRAFT.fullmatch(name) is not None


def remove_drafts(directory: Path) -> None:
    """Remove the drafts of killed writers below `directory`, which nobody writes to."""
    for entry in list(walk_real(directory)):
        if is_draft(entry.name) and not entry.is_dir(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)


def is_real_directory(path: Path) -> bool:
    """Whether the path is a directory and not a link."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def is_real_file(path: Path) -> bool:
    """Whether the path is a regular file and not a link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def make_real_directory(top: Path, *names: str) -> Path:
    """Create `top/name/name/...`; a file or link in the place of a directory is removed.

    Only the link is removed, never its target. Threads and processes may create the same directory
    at the same time.
    """
    top.mkdir(parents=True, exist_ok=True)
    directory = top
    for name in names:
        directory = directory / name
        while not is_real_directory(directory):
            # Not remove_tree: another builder may have created the directory since the check.
            with suppress(FileNotFoundError, IsADirectoryError):
                directory.unlink()
            directory.mkdir(exist_ok=True)
    return directory


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file for appending; anything else at the path is removed first.

    Raises:
        OSError: the file cannot be created or written.
    """
    while os.path.lexists(path) and not is_real_file(path):
        remove_tree(path)
    descriptor = os.open(path, _APPEND_FLAGS, 0o666)
    return os.fdopen(descriptor, "ab")


def walk_real(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Yield every entry below `directory` in sorted order; links are yielded, not followed."""
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from walk_real(Path(entry.path))


def remove_special_files(directory: Path) -> None:
    """Remove all links, FIFOs, sockets and devices below `directory`."""
    for entry in walk_real(directory):
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
            Path(entry.path).unlink()


def remove_empty_directories(directory: Path) -> None:
    """Remove all directories below `directory` that contain no files."""
    for entry in reversed(list(walk_real(directory))):
        if entry.is_dir(follow_symlinks=False):
            with suppress(OSError):
                Path(entry.path).rmdir()  # fails for a directory that is not empty


def rename_durably(source: Path, target: Path) -> Path:
    """Rename a file or directory and flush the rename to the disk; returns `target`."""
    source.rename(target)
    sync_directory(target.parent)
    return target


def sync_tree(directory: Path) -> None:
    """Flush a directory and everything below it to the disk."""
    for entry in walk_real(directory):
        if entry.is_dir(follow_symlinks=False):
            sync_directory(Path(entry.path))
        else:
            sync_file(Path(entry.path))
    sync_directory(directory)


def sync_file(path: Path) -> None:
    """Flush a regular file to the disk."""
    _sync(path, _READ_FLAGS)


def sync_directory(directory: Path) -> None:
    """Flush a directory's entries, so that a rename in it survives a power failure."""
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a directory tree, a file or a link; a missing path is not an error."""
    if is_real_directory(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
