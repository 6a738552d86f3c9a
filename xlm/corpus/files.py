"""Finds the one file that a download left."""

from pathlib import Path

from xlm.errors import DataError


def sole_file(directory: Path, pattern: str) -> Path:
    """The only file of a download that fits the pattern.

    Raises:
        DataError: there is none, or more than one.
    """
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{directory.name}: one file {pattern} belongs there, found {names}",
            fix="fetch it again with --refresh download",
        )
    return found[0]
