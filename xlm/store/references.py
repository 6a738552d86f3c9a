"""Which key each unit of a profile had last: how `xlm plan` knows what changed, and from what."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from xlm.store.files import write_atomically

_NEEDED = {"code_version", "config", "tools", "upstream"}


class Reference(NamedTuple):
    """The last artifact of a unit, with what its key was made of."""

    key: str
    digest: str
    ingredients: dict[str, Any]


class References:
    """Small files `<root>/references/<profile>/<stage>/<unit>.json`, replaced atomically."""

    def __init__(self, root: Path) -> None:
        self._home = root / "references"

    def _path(self, profile: str, stage: str, unit: str) -> Path:
        return self._home / _folder_of(profile) / stage / f"{unit}.json"

    def record(self, profile: str, stage: str, unit: str, reference: Reference) -> None:
        """Remember the artifact that this unit has now."""
        path = self._path(profile, stage, unit)
        data = json.dumps(reference._asdict(), sort_keys=True).encode()
        if not path.exists() or path.read_bytes() != data:
            write_atomically(path, data)

    def last(self, profile: str, stage: str, unit: str) -> Reference | None:
        """The last artifact of the unit in this profile, or None."""
        path = self._path(profile, stage, unit)
        try:
            found = Reference(**json.loads(path.read_bytes()))
            return found if found.ingredients.keys() >= _NEEDED else None
        except (OSError, ValueError, TypeError, AttributeError):
            return None


def _folder_of(profile: str) -> str:
    """The name of a built-in profile; of a file also where it is: two may have one name."""
    path = Path(profile)
    if path.name == profile and not path.suffix:
        return profile
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    return f"{path.stem}-{place[:12]}"
