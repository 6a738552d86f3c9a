"""Removes artifacts so that a kill or a power failure leaves each of them whole or absent.

A directory is first renamed to `<root>/removed/`, in one step, and then deleted there. A killed
removal is finished by the next one.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from xlm.store.artifact import Staging
from xlm.store.disk.filesystem import (
    make_real_directory,
    remove_tree,
    sync_directory,
)
from xlm.store.disk.locks import is_locked
from xlm.store.leases import REMOVED, HeldKey
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored


def is_in_use(store: ArtifactStore, stage: str, key: str, live: Collection[HeldKey]) -> bool:
    """Whether a running process, or a job of a cluster, uses or builds a key.

    Args:
        live: the result of `live_keys`.
    """
    return (
        (stage, key) in live
        or os.path.lexists(Staging(store.root / "staging" / stage / key).hold)
        or is_locked(store.root / "locks" / f"{stage}.{key}.lock")
        or is_locked(store.writers_lock(stage, key), shared=True)
    )


def set_aside(root: Path, path: Path) -> None:
    """Rename a directory to `<root>/removed/`, from where `delete_removed` deletes it.

    The caller is inside of `xlm.store.leases.removing`.
    """
    path.rename(_new_name(root, path))
    sync_directory(path.parent)


def set_contents_aside(root: Path, directory: Path, kept: Collection[str]) -> None:
    """Set all entries of a directory aside, except those with the names `kept`.

    The caller is inside of `xlm.store.leases.removing`.
    """
    home = _new_name(root, directory)
    home.mkdir()
    for path in list(directory.iterdir()):
        if path.name not in kept:
            path.rename(home / path.name)
    sync_directory(directory)


def _new_name(root: Path, path: Path) -> Path:
    """A name in `<root>/removed/` that nothing has."""
    home = make_real_directory(root, REMOVED)
    name = f"{path.parent.name}.{path.name}"
    number = 0
    while os.path.lexists(target := home / f"{name}.{number}"):
        number += 1
    return target


def set_key_aside(store: ArtifactStore, directories: Collection[Stored]) -> None:
    """Remove a key: all of its directories, the one that is served last, then its side files."""
    for one in sorted(directories, key=lambda one: one.served):
        set_aside(store.root, one.directory)
    for one in directories:
        for suffix in ("current", "checks"):
            one.directory.with_name(f"{one.key}.{suffix}").unlink(missing_ok=True)


def delete_removed(root: Path) -> None:
    """Delete what was set aside, by this process or by one that was killed."""
    home = root / REMOVED
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        # Another process may delete the same directory now.
        with suppress(FileNotFoundError):
            remove_tree(path)


def build_directories(root: Path, kind: str) -> Iterator[tuple[str, str, Path]]:
    """Yield stage, key and path of each directory of a build.

    Args:
        kind: `staging`, the output so far of a running or killed build; `pulling`, what has arrived
            of an artifact of the remote store; or `damaged`, an artifact that a rebuild was
            replacing when it was killed.
    """
    for path in sorted((root / kind).glob("*/*")):
        if re.fullmatch(r"[0-9a-f]+", path.name):
            yield path.parent.name, path.name, path
