"""Finds the file that a download left."""

from glob import escape
from pathlib import Path

from xlm.errors import DataError
from xlm.store.manifest import listed_files


def sole_file(directory: Path, pattern: str) -> Path:
    """The only file of a download that fits the pattern.

    Raises:
        DataError: there is none, or more than one.
    """
    found = listed_files(directory, pattern)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{directory.name}: one file {pattern} belongs there, found {names}",
            fix="fetch it again with --refresh download",
        )
    return found[0]


def named_file(directory: Path, name: str) -> Path:
    """The file of that name in a download.

    Raises:
        DataError: it is not there.
    """
    found = listed_files(directory, escape(name))
    if not found:
        raise DataError(
            f"{directory.name}: no file {name}", fix="fetch it again with --refresh download"
        )
    return found[0]
