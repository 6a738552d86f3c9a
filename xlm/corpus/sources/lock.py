"""The lock of a profile: URL, size and sha256 of each of its downloads, in a YAML file.

    downloads:
      tatoeba.en-sw:
        url: https://object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses/en-swh.txt.zip
        size_bytes: 16789
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        date: "2026-11-28"

`xlm sources lock` writes it, and runs read it (`sources.lock`). A download or a stored file with
other bytes than its lock is refused.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from xlm.config.reading.yaml_text import read_yaml
from xlm.corpus.http.verification.pins import Pin
from xlm.engine.config import Config
from xlm.errors import ConfigError
from xlm.store.disk.filesystem import write_atomically

LOCK_SUFFIX = ".lock.yaml"


class LockedFile(Config):
    """One download, as it was when the lock was written."""

    url: str
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    date: str
    """When it was downloaded, YYYY-MM-DD."""
    first_bytes: int | None = None
    """Set if only the first bytes of the file are downloaded."""


class SourcesLock(Config):
    """The locked downloads by their ids."""

    version: Literal[1] = 1
    downloads: dict[str, LockedFile] = Field(default_factory=dict)

    def pin_of(self, path: Path, url: str, first_bytes: int | None) -> Pin | None:
        """What a download must be equal to; None if the lock does not list it.

        Args:
            path: the file of the lock, for messages.
            url: the URL, without secrets.
            first_bytes: set if only the first bytes are downloaded.
        """
        for name, file in self.downloads.items():
            if (file.url, file.first_bytes) == (url, first_bytes):
                accept = f"remove {name} from {path}"
                return Pin(path, file.size_bytes, file.sha256, file.date, accept)
        return None


def read_lock(path: Path) -> SourcesLock:
    """Read a lock.

    Raises:
        ConfigError: the file does not exist, or is not a lock.
    """
    try:
        status = path.stat()
        return _read(path, status.st_size, status.st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(
            f"sources.lock: {path} cannot be read: {reason}",
            fix="check the path, or write the lock with `xlm sources lock`",
        ) from None


# A plan asks for the lock of each download.
@lru_cache(maxsize=4)
def _read(path: Path, size_bytes: int, modified_ns: int) -> SourcesLock:
    values = read_yaml(path.read_text(encoding="utf-8"), f"lock {path}")
    try:
        return SourcesLock.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(
            f"lock {path}: {where}: {first['msg']}", fix="write it with `xlm sources lock`"
        ) from None


def write_lock(path: Path, lock: SourcesLock, head: str) -> None:
    """Write a lock, completely or not at all.

    Args:
        path: the file.
        lock: its contents.
        head: comment lines at its start.
    """
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    values = lock.model_dump(mode="json", exclude_none=True)
    write_atomically(path, (comment + yaml.safe_dump(values, sort_keys=False)).encode())


def changed_since_lock(path: Path, manifest: Mapping[str, Any]) -> str | None:
    """Why a stored download does not fit the lock; None if it does, or is not listed."""
    lock = read_lock(path)
    for source in manifest.get("sources", ()):
        pin = lock.pin_of(path, str(source["address"]), first_bytes_of(manifest))
        if pin is not None and pin.sha256 != source["sha256"]:
            return f"{path.name} has sha256 {pin.sha256}, the stored file {source['sha256']}"
    return None


def first_bytes_of(manifest: Mapping[str, Any]) -> int | None:
    """The number of bytes to which a stored download is limited; None for a complete file."""
    head_bytes = manifest["config"]["source"].get("head_bytes")
    return None if head_bytes is None else int(head_bytes)
