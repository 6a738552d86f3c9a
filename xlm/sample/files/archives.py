"""Writes reproducible zip files: their bytes depend only on their members."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

_DATE = (2026, 11, 1, 0, 0, 0)
_COMPRESSION_LEVEL = 1
_REGULAR_FILE = 0o100644 << 16
_UNIX = 3


def write_zip(path: Path, members: Mapping[str, str]) -> int:
    """Write `members` (name to text) in their order, and return the size of the archive, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            # By default, date, mode and system come from the machine.
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _REGULAR_FILE
            entry.create_system = _UNIX
            archive.writestr(entry, text.encode(), compresslevel=_COMPRESSION_LEVEL)
    return path.stat().st_size
