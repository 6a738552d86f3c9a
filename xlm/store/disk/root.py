"""Where the store lives: an fsspec URL, resolved once at the edge.

Only local file systems commit by atomic rename, so only they are accepted; an object store needs
another commit (a conditional put of the manifest) behind the same interface.
"""

import os
from pathlib import Path

from xlm.errors import StoreError


def resolve_root(url: str, *, write: bool = True) -> Path:
    """The absolute directory of a store URL (`./data`, `/scratch/xlm`, `file:///scratch/xlm`).

    Raises:
        StoreError: the scheme is not a local file system's, or the directory cannot be used: to
            `write`, or else to read.
    """
    from fsspec.core import split_protocol
    from fsspec.implementations.local import LocalFileSystem

    protocol, _ = split_protocol(url)
    if protocol not in (None, "file", "local"):
        raise StoreError(
            f"store root {url!r}: scheme {protocol!r} cannot commit by rename",
            fix="use a local or mounted directory such as ./data",
        )
    _require_plain(url)
    # POSIX keeps exactly two leading slashes: fsspec makes them of `./data` in the folder `/`.
    root = Path("/" + LocalFileSystem._strip_protocol(url).lstrip("/")).absolute()
    try:
        existing = next(path for path in (root, *root.parents) if path.exists())
    except OSError as error:
        raise StoreError(f"store root {root}: {error.strerror}", fix="name another") from error
    if not existing.is_dir():
        raise StoreError(f"store root {root}: {existing} is a file", fix="name a directory")
    if (write and not _writable(existing)) or _holds_no_files(existing):
        raise StoreError(
            f"store root {root} is read-only ({existing} cannot be written)",
            fix="choose another with --root or XLM_ROOT",
        )
    return root


def _require_plain(url: str) -> None:
    """Refuse names that no other program could be given, and folders that are not meant.

    Raises:
        StoreError: the root is blank, not UTF-8, has control characters, or names no user's home.
    """
    fault = ""
    if not url.strip():
        fault = "is blank"
    elif any(ord(letter) < 32 or letter == "\x7f" for letter in url):
        fault = "has a control character in it"
    elif any("\ud800" <= letter <= "\udfff" for letter in url):
        fault = "is not UTF-8"
    elif url.startswith("~") and not _has_home(url):
        fault = "names a user that this machine does not know"
    if fault:
        raise StoreError(f"store root {url!r} {fault}", fix="check --root or XLM_ROOT")


def _has_home(url: str) -> bool:
    try:
        Path(url).expanduser()
    except RuntimeError:
        return False
    return True


def is_writable(root: Path) -> bool:
    """Whether files can be made below `root`, which may not be there yet."""
    return _writable(next(path for path in (root, *root.parents) if path.exists()))


def _holds_no_files(existing: Path) -> bool:
    """Whether it is of the kernel, which says that root may write there."""
    return any(existing.is_relative_to(folder) for folder in ("/proc", "/sys"))


def _writable(existing: Path) -> bool:
    return os.access(existing, os.W_OK | os.X_OK)
