"""Whether a file is there to be read: in an artifact, its manifest must name it.

    if is_present(folder / "vocabulary.json"): ...

For optional files, and folders that a user gives: such a folder may be an artifact of a store,
where a file that no manifest names must change nothing, or any other folder, where all files count.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import is_real_directory, is_real_file
from xlm.store.manifest import MANIFEST_NAME, read_manifest

ARTIFACTS = "artifacts"
"""Folder of a store that holds `<stage>/<key>/`."""


def is_present(path: Path) -> bool:
    """Whether a regular file is at `path` and, inside of an artifact, the manifest names it.

    Raises:
        StoreError: it is in an artifact, and the manifest cannot be read.
    """
    if (found := _in_artifact(path)) is None:
        return path.is_file()
    artifact, relative = found
    return relative in _named(artifact) and is_real_file(artifact / relative)


def present_entries(folder: Path) -> list[Path]:
    """Files and folders in `folder`, sorted; in an artifact, those that its manifest accounts for.

    Raises:
        StoreError: it is in an artifact, and the manifest cannot be read.
    """
    if (found := _in_artifact(folder)) is None:
        return sorted(folder.iterdir())
    artifact, relative = found
    below = f"{relative}/"
    names = {
        name.removeprefix(below).partition("/")[0]
        for name in _named(artifact)
        if name.startswith(below)
    }
    return [folder / name for name in sorted(names)]


def entries(folder: Path) -> list[Path]:
    """What is in a folder of the store, sorted; nothing where there is no folder.

    Raises:
        StoreError: this user may not read it.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(
            f"cannot read {folder} ({error.strerror})",
            fix="let this user read it, or choose another root with --root or XLM_ROOT",
        ) from error


def files_of_stage(artifacts: Path, stage: str, name: str) -> Iterator[Path]:
    """The file `name` of every artifact of a stage that has one; damaged artifacts are left out."""
    shelf = artifacts / stage
    for directory in entries(shelf) if is_real_directory(shelf) else ():
        with suppress(OSError, StoreError):
            if name in _named(directory) and is_real_file(directory / name):
                yield directory / name


def _named(artifact: Path) -> set[str]:
    manifest = read_manifest(artifact)
    return {record.path for record in [*manifest.files, *manifest.volatile]}


def _in_artifact(path: Path) -> tuple[Path, str] | None:
    """The artifact that a path is in, and the path relative to it."""
    # Only the folder is resolved: in a hub's cache the files are links.
    place = path.parent.resolve() / path.name
    for folder in place.parents:
        if folder.parent.parent.name == ARTIFACTS and os.path.lexists(folder / MANIFEST_NAME):
            return folder, place.relative_to(folder).as_posix()
    return None
