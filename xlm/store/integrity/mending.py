"""What damage leaves after it is mended: consumers built from wrong bytes, and foreign files.

Damage that keeps a file's size passes the fast check, so a consumer may have been built from it.
When such an artifact is replaced, a mark stays. An artifact whose manifest does not say that the
marked input was verified right before it was read is then treated as damaged.
"""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import make_real_directory, write_atomically
from xlm.store.keys import canonical_json
from xlm.store.manifest import Manifest, damage, read_manifest, untracked_files

log = logging.getLogger(__name__)

_LONGEST_NAME = 200


def mark_if_poisonous(root: Path, directory: Path, stage: str, key: str) -> None:
    """Mark the key if its artifact has wrong bytes under the right sizes."""
    try:
        manifest = read_manifest(directory)
    except StoreError:
        return
    if damage(directory, manifest, deep=False) is not None:
        return  # no consumer was built from this: the fast check refuses it
    if (reason := damage(directory, manifest, deep=True)) is not None:
        line = {"damage": reason, "found": datetime.now(UTC).isoformat()}
        write_atomically(_mark(root, stage, key), canonical_json(line).encode() + b"\n")


def suspicion(root: Path, manifest: Manifest) -> str | None:
    """Why an artifact with whole files may still hold wrong ones, or None."""
    for record in manifest.upstream.values():
        if not record.verified and os.path.lexists(_mark(root, record.stage, record.key)):
            return f"it may have been built from damaged bytes of {record.stage}[{record.unit}]"
    return None


def _mark(root: Path, stage: str, key: str) -> Path:
    return root / "artifacts" / stage / f"{key}.damaged"


def move_untracked(root: Path, directory: Path, manifest: Manifest) -> None:
    """Move what the manifest does not name to `<root>/untracked`; what cannot move is logged."""
    for path in untracked_files(directory, manifest):
        try:
            home = make_real_directory(root, "untracked", manifest.stage, manifest.key)
            number = sum(1 for _ in home.iterdir())
            place = home / f"{number}.{path.name}"[:_LONGEST_NAME]
            path.rename(place)
        except OSError as error:
            log.warning("%r is not in the manifest and is not read (%s)", str(path), error)
        else:
            log.warning("%r is not in the manifest; moved to %r", str(path), str(place))
