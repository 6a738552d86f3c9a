"""Pushes that have not ended: `<root>/remote/pending/<stage>.<key>.json`.

A record is written before the first file is sent and removed after the manifest is. It names the
builder, so that a push that was killed goes on in the same folder of the remote store.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from xlm.store.disk.filesystem import make_real_directory, read_small, write_atomically
from xlm.store.remote.layout import BUILDER, new_builder

_SUFFIX = ".json"


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    builder: str
    digest: str


class PendingPushes:
    """The pushes that the store at `root` has to make up for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def expect(self, stage: str, key: str) -> None:
        """Record that an artifact, which may not be built yet, has to be pushed."""
        if (stage, key) not in self:
            self.add(stage, key, "")

    def add(self, stage: str, key: str, digest: str) -> str:
        """Record a push of these bytes and return its builder, which is kept until `remove`."""
        path = self._path(stage, key)
        known = _read(path)
        if known is not None and known.digest == digest:
            return known.builder
        record = _Record(builder=new_builder(), digest=digest)
        make_real_directory(self._root, "remote", "pending")
        write_atomically(path, record.model_dump_json().encode())
        return record.builder

    def remove(self, stage: str, key: str) -> None:
        """Forget a push: it has ended, or its files cannot be used."""
        self._path(stage, key).unlink(missing_ok=True)

    def __contains__(self, name: tuple[str, str]) -> bool:
        return _read(self._path(*name)) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self._home.glob(f"*{_SUFFIX}")):
            stage, _, key = path.name.removesuffix(_SUFFIX).partition(".")
            if stage and key and _read(path) is not None:
                yield stage, key

    @property
    def _home(self) -> Path:
        return self._root / "remote" / "pending"

    def _path(self, stage: str, key: str) -> Path:
        return self._home / f"{stage}.{key}{_SUFFIX}"


def _read(path: Path) -> _Record | None:
    try:
        record = _Record.model_validate_json(read_small(path))
    except (OSError, ValueError):
        return None
    return record if re.fullmatch(BUILDER, record.builder, re.ASCII) else None
