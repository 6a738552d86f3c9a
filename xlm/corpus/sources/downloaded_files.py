"""Finds files in the output of a download."""

from glob import escape
from pathlib import Path

from xlm.errors import DataError
from xlm.store.manifest import listed_files


def sole_file(directory: Path, pattern: str) -> Path:
    """The only file of a download that matches the pattern.

    Raises:
        DataError: no file matches, or more than one.
    """
    found = listed_files(directory, pattern)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{directory.name}: expected one file {pattern}, found {names}",
            fix="download it again with --refresh download",
        )
    return found[0]


def named_file(directory: Path, name: str) -> Path:
    """The file of that name in a download.

    Raises:
        DataError: there is no such file.
    """
    found = listed_files(directory, escape(name))
    if not found:
        raise DataError(
            f"{directory.name}: no file {name}", fix="download it again with --refresh download"
        )
    return found[0]
