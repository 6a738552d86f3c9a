"""Which key each unit of a profile had last: how `xlm plan` knows what changed, and from what."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from xlm.store.disk.filesystem import make_real_directory, read_small, write_atomically


class _Ingredients(BaseModel):
    """The parts of a key that the plan compares; others are kept as they are."""

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
    """The last artifact of a unit, with what its key was made of."""

    key: str
    digest: str
    ingredients: dict[str, Any]


class References:
    """Small files `<root>/references/<profile>/<stage>/<unit>.json`, replaced atomically."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, profile: str, stage: str, unit: str) -> Path:
        return self._root.joinpath("references", _folder_of(profile), stage, f"{unit}.json")

    def record(self, profile: str, stage: str, unit: str, reference: Reference) -> None:
        """Remember the artifact that this unit has now."""
        path = self._path(profile, stage, unit)
        data = json.dumps(reference._asdict(), sort_keys=True).encode()
        try:
            if read_small(path) == data:
                return
        except OSError:
            make_real_directory(self._root, *path.parent.relative_to(self._root).parts)
        write_atomically(path, data)

    def last(self, profile: str, stage: str, unit: str) -> Reference | None:
        """The last artifact of the unit in this profile, or None."""
        try:
            stored = _Stored.model_validate_json(read_small(self._path(profile, stage, unit)))
        except (OSError, ValueError, RecursionError):
            return None
        return Reference(stored.key, stored.digest, stored.ingredients.model_dump())


def _folder_of(profile: str) -> str:
    """The name of a built-in profile; of a file also where it is: two may have one name."""
    path = Path(profile)
    if path.name == profile and not path.suffix:
        return profile
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    return f"{path.stem}-{place[:12]}"
