"""Records of imported artifacts, `<root>/imports/<time>-<key>.json`: `xlm store gc` keeps them.

An imported run is recorded in `runs/`, as the runs of this store are.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xlm.errors import StoreError
from xlm.store.cleaning.garbage import Root
from xlm.store.disk.filesystem import make_real_directory, read_small, write_atomically
from xlm.store.manifest import Manifest

IMPORTS = "imports"


class _Artifact(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    stage: str
    key: str
    digest: str


class _Import(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    imported: str
    artifacts: list[_Artifact]


def record_import(root: Path, manifests: Iterable[Manifest]) -> None:
    """Record the artifacts that an archive was made for."""
    chosen = [{"stage": one.stage, "key": one.key, "digest": one.digest} for one in manifests]
    now = datetime.now(UTC)
    home = make_real_directory(root, IMPORTS)
    path = home / f"{now:%Y%m%dT%H%M%S%f}-{chosen[0]['key']}.json"
    text = json.dumps({"imported": now.isoformat(), "artifacts": chosen}, indent=1)
    write_atomically(path, f"{text}\n".encode())


def imported_roots(root: Path) -> Iterator[Root]:
    """Yield the artifacts that archives were made for.

    Raises:
        StoreError: a record is damaged.
    """
    for path in sorted((root / IMPORTS).glob("*.json")):
        try:
            record = _Import.model_validate_json(read_small(path))
        except (OSError, ValidationError):
            raise StoreError(
                f"{path} is damaged, so it is not known what was imported", fix="remove it"
            ) from None
        for one in record.artifacts:
            yield Root(one.stage, one.key, one.digest)
