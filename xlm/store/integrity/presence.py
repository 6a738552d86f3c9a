"""Checks whether a file may be read: in an artifact, only files that the manifest lists count.

    if is_present(folder / "vocabulary.json"): ...

For optional files, and for folders that a user passes. Such a folder may be an artifact, in which
untracked files must not change anything, or any other folder, in which all files count.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import is_real_directory, is_real_file
from xlm.store.manifest import MANIFEST_NAME, read_manifest

ARTIFACTS = "artifacts"
"""Directory of a store that contains `<stage>/<key>/`."""


def is_present(path: Path) -> bool:
    """Whether `path` is a regular file and, inside an artifact, the manifest lists it.

    Raises:
        StoreError: the path is in an artifact without a readable manifest.
    """
    if (found := _in_artifact(path)) is None:
        return path.is_file()
    artifact, relative = found
    return relative in _listed(artifact) and is_real_file(artifact / relative)


def present_entries(folder: Path) -> list[Path]:
    """List the entries of `folder`, sorted; in an artifact, only those in the manifest.

    Raises:
        StoreError: the folder is in an artifact without a readable manifest.
    """
    if (found := _in_artifact(folder)) is None:
        return sorted(folder.iterdir())
    artifact, relative = found
    below = f"{relative}/"
    names = {
        name.removeprefix(below).partition("/")[0]
        for name in _listed(artifact)
        if name.startswith(below)
    }
    return [folder / name for name in sorted(names)]


def entries(folder: Path) -> list[Path]:
    """List a folder of the store, sorted; a missing folder is empty.

    Raises:
        StoreError: this user may not read the folder.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(
            f"cannot read {folder} ({error.strerror})",
            fix="make it readable, or choose another root with --root or XLM_ROOT",
        ) from error


def files_of_stage(artifacts: Path, stage: str, name: str) -> Iterator[Path]:
    """Yield the file `name` of every artifact of a stage; damaged artifacts are skipped."""
    home = artifacts / stage
    for directory in entries(home) if is_real_directory(home) else ():
        with suppress(OSError, StoreError):
            if name in _listed(directory) and is_real_file(directory / name):
                yield directory / name


def _listed(artifact: Path) -> set[str]:
    return {record.path for record in read_manifest(artifact).all_files}


def _in_artifact(path: Path) -> tuple[Path, str] | None:
    """Return the artifact that contains a path and the path relative to it, or None."""
    # Resolve the parent only: in the cache of the Hugging Face Hub, the files are links.
    resolved = path.parent.resolve() / path.name
    for folder in resolved.parents:
        if folder.parent.parent.name == ARTIFACTS and os.path.lexists(folder / MANIFEST_NAME):
            return folder, resolved.relative_to(folder).as_posix()
    return None
