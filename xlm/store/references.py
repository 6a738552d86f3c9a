"""The last key of each unit in a profile, with its ingredients: `xlm plan` compares with them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from xlm.errors import StoreError
from xlm.store.disk.filesystem import make_real_directory, read_small, write_atomically


class _Ingredients(BaseModel):
    """The ingredients that the plan compares; others are kept unchanged."""

    model_config = ConfigDict(extra="allow")

    code_version: int
    config: dict[str, Any]
    tools: dict[str, str]
    upstream: dict[str, str]


class _Stored(BaseModel):
    key: str
    digest: str
    ingredients: _Ingredients


class Reference(NamedTuple):
    """The last artifact of a unit and the ingredients of its key."""

    key: str
    digest: str
    ingredients: dict[str, Any]


class References:
    """Small files `<root>/references/<profile>/<stage>/<unit>.json`, replaced atomically."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, profile: str, stage: str, unit: str) -> Path:
        return self._root.joinpath("references", _directory_name(profile), stage, f"{unit}.json")

    def record(self, profile: str, stage: str, unit: str, reference: Reference) -> None:
        """Store the current artifact of a unit."""
        path = self._path(profile, stage, unit)
        data = json.dumps(reference._asdict(), sort_keys=True).encode()
        try:
            if read_small(path) == data:
                return
        except OSError:
            make_real_directory(self._root, *path.parent.relative_to(self._root).parts)
        write_atomically(path, data)

    def all(self) -> Iterator[tuple[str, Reference]]:
        """Yield stage and last artifact of every unit in every profile.

        Raises:
            StoreError: a reference is damaged or cannot be read.
        """
        for path in sorted((self._root / "references").glob("*/*/*.json")):
            if (reference := self._read(path)) is None:
                raise StoreError(
                    f"{path} is damaged, so it is not known what it refers to",
                    fix="remove it, or run its profile again",
                )
            yield path.parent.name, reference

    def last(self, profile: str, stage: str, unit: str) -> Reference | None:
        """Return the last artifact of a unit, or None if there is no readable reference."""
        return self._read(self._path(profile, stage, unit))

    def _read(self, path: Path) -> Reference | None:
        try:
            stored = _Stored.model_validate_json(read_small(path))
        except (OSError, ValueError, RecursionError):
            return None
        return Reference(stored.key, stored.digest, stored.ingredients.model_dump())


def _directory_name(profile: str) -> str:
    """Name of a built-in profile; a profile file gets a hash of its path, as names may repeat."""
    path = Path(profile)
    if path.name == profile and not path.suffix:
        return profile
    location = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    return f"{path.stem}-{location[:12]}"
