"""Compares an artifact's files with its manifest."""

import stat
from pathlib import Path

from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import FileRecord, Manifest, content_digest

FileStatus = tuple[int, int, int, int]
"""Inode, size, modification time and change time (nanoseconds) of a file."""


def find_damage(directory: Path, manifest: Manifest, *, deep: bool) -> str | None:
    """Return the first difference between an artifact's files and its manifest, or None.

    The fast check compares file types and sizes; the deep check also hashes every file.
    """
    if content_digest(manifest.files) != manifest.digest:
        return "the manifest's digest does not match its list of files"
    for record in manifest.all_files:
        if (reason := _file_damage(directory, record, deep=deep)) is not None:
            return reason
    return None


def file_statuses(directory: Path, manifest: Manifest) -> tuple[FileStatus, ...] | None:
    """Return the status of every file, to detect later changes; None if a file is missing."""
    found = []
    for record in manifest.all_files:
        try:
            status = (directory / record.path).lstat()
        except OSError:
            return None
        found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(found)


def _file_damage(directory: Path, record: FileRecord, *, deep: bool) -> str | None:
    path = directory
    try:
        for name in record.path.split("/")[:-1]:
            path = path / name
            if not stat.S_ISDIR(path.lstat().st_mode):
                return f"{path.relative_to(directory)} is not a directory"
        path = directory / record.path
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return f"{record.path} is {_file_type(found.st_mode)}, not a regular file"
        if found.st_size != record.size_bytes:
            return f"{record.path} has {found.st_size} bytes, the manifest says {record.size_bytes}"
        if deep and file_sha256(path) != record.sha256:
            return f"{record.path} does not match its sha256 in the manifest"
    except FileNotFoundError:
        return f"{record.path} is missing"
    except OSError as error:
        return f"{record.path} cannot be read ({error.strerror or error})"
    return None


def _file_type(mode: int) -> str:
    types = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"))
    return next((name for matches, name in types if matches(mode)), "a socket or a device")
