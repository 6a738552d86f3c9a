"""Tracks silent corruption: wrong bytes in a file of the right size.

The fast check does not see it, so artifacts may have been built from the wrong bytes. When a
corrupted artifact is replaced, a mark stays. Artifacts that used the marked input without verifying
it first are then treated as damaged.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import write_atomically
from xlm.store.integrity.damage import find_damage
from xlm.store.keys import canonical_json
from xlm.store.manifest import Manifest, read_manifest


def mark_if_corrupted(root: Path, directory: Path, stage: str, key: str) -> None:
    """Mark the key if its artifact has files of the right size with wrong bytes."""
    try:
        manifest = read_manifest(directory)
    except StoreError:
        return
    if find_damage(directory, manifest, deep=False) is not None:
        return  # the fast check refuses this artifact, so nothing was built from it
    if (reason := find_damage(directory, manifest, deep=True)) is not None:
        mark = {"damage": reason, "found": datetime.now(UTC).isoformat()}
        write_atomically(_mark(root, stage, key), canonical_json(mark).encode() + b"\n")


def suspect_input(root: Path, manifest: Manifest) -> str | None:
    """Return why an undamaged artifact may have been built from corrupted bytes, or None."""
    for record in manifest.upstream.values():
        if not record.verified and os.path.lexists(_mark(root, record.stage, record.key)):
            return f"it may have been built from damaged bytes of {record.stage}[{record.unit}]"
    return None


def _mark(root: Path, stage: str, key: str) -> Path:
    return root / "artifacts" / stage / f"{key}.damaged"
