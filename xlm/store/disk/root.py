"""Resolves the root of the store: an fsspec URL that must name a local directory.

Only local file systems can commit by atomic rename, so other schemes are refused. An object store
would need another commit, such as a conditional put of the manifest, with the same interface.
"""

import os
from pathlib import Path

from xlm.errors import ConfigError, StoreError


def resolve_root(url: str, *, write: bool = True) -> Path:
    """Return the absolute directory of `./data`, `/scratch/xlm` or `file:///scratch/xlm`.

    Raises:
        StoreError: the URL is invalid or not local, or the directory cannot be read, or (with
            `write`) written.
    """
    from fsspec.core import split_protocol
    from fsspec.implementations.local import LocalFileSystem

    protocol, _ = split_protocol(url)
    if protocol not in (None, "file", "local"):
        raise StoreError(
            f"store root {url!r}: scheme {protocol!r} does not support atomic renames",
            fix="use a local or mounted directory such as ./data",
        )
    _require_valid(url)
    # POSIX keeps exactly two leading slashes, which fsspec produces for `./data` in the folder `/`.
    root = Path("/" + LocalFileSystem._strip_protocol(url).lstrip("/")).absolute()
    try:
        existing = _nearest_existing(root)
    except OSError as error:
        raise StoreError(
            f"store root {root}: {error.strerror}", fix="choose another directory"
        ) from error
    if not existing.is_dir():
        raise StoreError(f"store root {root}: {existing} is a file", fix="choose a directory")
    if (write and not _writable(existing)) or _in_kernel_file_system(existing):
        raise StoreError(
            f"store root {root} is read-only ({existing} cannot be written)",
            fix="choose another with --root or XLM_ROOT",
        )
    return root


def is_writable(root: Path) -> bool:
    """Whether files can be created below `root`, which need not exist yet."""
    return _writable(_nearest_existing(root))


def require_outside(root: Path, path: Path, name: str) -> None:
    """Refuse to write to a path inside the store, also if a symbolic link leads there.

    Args:
        root: root of the store.
        path: what a command is to write.
        name: the option or argument that names it.

    Raises:
        ConfigError: the path is inside the store.
    """
    if path.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            f"{name}: {str(path)[:200]!r} is in the store {root}", fix="use another folder"
        )


def _nearest_existing(root: Path) -> Path:
    return next(path for path in (root, *root.parents) if path.exists())


def _require_valid(url: str) -> None:
    """Refuse names that other programs cannot handle, and `~` of an unknown user.

    Raises:
        StoreError: naming what is wrong with the URL.
    """
    fault = ""
    if not url.strip():
        fault = "is blank"
    elif any(ord(letter) < 32 or letter == "\x7f" for letter in url):
        fault = "contains a control character"
    elif any("\ud800" <= letter <= "\udfff" for letter in url):
        fault = "is not valid UTF-8"
    elif url.startswith("~") and not _has_home(url):
        fault = "names an unknown user"
    if fault:
        raise StoreError(f"store root {url!r} {fault}", fix="check --root or XLM_ROOT")


def _has_home(url: str) -> bool:
    try:
        Path(url).expanduser()
    except RuntimeError:
        return False
    return True


def _in_kernel_file_system(existing: Path) -> bool:
    """Whether the directory is in /proc or /sys, which `os.access` reports as writable for root."""
    return any(existing.is_relative_to(folder) for folder in ("/proc", "/sys"))


def _writable(existing: Path) -> bool:
    return os.access(existing, os.W_OK | os.X_OK)
