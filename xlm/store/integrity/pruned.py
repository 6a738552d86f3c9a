"""Pruned artifacts: their files were removed to free space, their manifest stayed.

<artifact>/pruned.json    when it was pruned, and how many bytes that freed

The manifest still gives the digest, so keys and lineage stay what they were. A run builds the
artifact again only if a stage reads its files; the new bytes must have the same digest.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.filesystem import write_atomically
from xlm.store.keys import canonical_json
from xlm.store.manifest import LOGS_NAME, MANIFEST_NAME, PRUNED_NAME, RUN_NAME, Manifest

KEPT_NAMES = frozenset({MANIFEST_NAME, PRUNED_NAME, RUN_NAME, LOGS_NAME})
"""What stays of a pruned artifact: measurements and logs are small."""


def is_pruned(directory: Path) -> bool:
    """Whether the artifact in this directory was pruned; it need not exist."""
    return os.path.lexists(directory / PRUNED_NAME)


def mark_pruned(directory: Path, freed_bytes: int) -> None:
    """Mark an artifact as pruned. From then on its files are neither read nor missed."""
    mark = {"pruned": datetime.now(UTC).isoformat(timespec="seconds"), "freed_bytes": freed_bytes}
    write_atomically(directory / PRUNED_NAME, canonical_json(mark).encode() + b"\n")


def other_bytes_error(pruned: Manifest, now: Manifest) -> StoreError:
    """The error for a pruned artifact that was built again with another digest."""
    node = f"{now.stage}[{now.unit}]"
    name = now.stage if now.unit == "all" else node
    return StoreError(
        f"{node} was pruned, and building it again gave other bytes: digest {now.digest[:12]} "
        f"instead of {pruned.digest[:12]}",
        fix=f"accept them with `--refresh '{name}'`: all that was built from it is built again",
    )
