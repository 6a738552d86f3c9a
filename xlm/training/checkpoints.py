"""Checkpoint directories: each is complete or absent, and the newest valid one is used.

    checkpoints = Checkpoints(scratch / "checkpoints", keep=2)
    checkpoints.save(1000, lambda directory: save_file(weights, directory / "model.safetensors"))
    directory = checkpoints.newest()  # None: there is no valid checkpoint

A checkpoint is written under a temporary name, together with the sizes and sha256 digests of its
files, flushed to disk and renamed. A checkpoint that does not match its digests is skipped with a
warning. It is not deleted, because a file that cannot be read today may be readable tomorrow.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from xlm.store.disk.filesystem import remove_tree, sync_directory, sync_tree
from xlm.store.disk.hashing import file_sha256

log = logging.getLogger(__name__)

_CHECKSUMS: Final = "seal.json"
_PREFIX: Final = "update-"
_STAGING: Final = "staging"


class Checkpoints:
    """The checkpoints of one run in one directory; only the main process writes."""

    def __init__(self, directory: Path, *, keep: int) -> None:
        """Keep the newest `keep` valid checkpoints; nothing is created before the first one."""
        self._directory = directory
        self._keep = keep

    def path(self, update: int) -> Path:
        """The directory of the checkpoint after `update` updates."""
        return self._directory / f"{_PREFIX}{update:09d}"

    def save(self, update: int, write: Callable[[Path], None]) -> Path:
        """Let `write` fill a new checkpoint, publish it, and delete the oldest ones."""
        staging = self._directory / _STAGING
        remove_tree(staging)
        staging.mkdir(parents=True)
        write(staging)
        checksums = {path.name: _checksum(path) for path in sorted(staging.iterdir())}
        text = json.dumps(checksums, indent=1)
        (staging / _CHECKSUMS).write_text(text + "\n", encoding="utf-8")
        sync_tree(staging)
        final = self.path(update)
        remove_tree(final)
        staging.rename(final)
        sync_directory(self._directory)
        self._delete_oldest(final)
        return final

    def newest(self) -> Path | None:
        """The newest checkpoint that matches its checksums."""
        for path in reversed(self._all()):
            damage = _damage(path)
            if damage is None:
                return path
            log.warning("checkpoint %s is skipped: %s", path.name, damage)
        return None

    def _all(self) -> list[Path]:
        return sorted(self._directory.glob(f"{_PREFIX}*"))

    def _delete_oldest(self, written: Path) -> None:
        # Only valid checkpoints count, so that the last valid one is never deleted.
        valid = 0
        for path in reversed(self._all()):
            if valid == self._keep:
                remove_tree(path)
            # The new checkpoint is not read again: all processes wait for this.
            elif path == written or _damage(path) is None:
                valid += 1


def newest_update(directory: Path) -> int | None:
    """The update of the newest checkpoint in a directory, by its name alone; None without one."""
    names = [path.name.removeprefix(_PREFIX) for path in directory.glob(f"{_PREFIX}*")]
    return max((int(name) for name in names if name.isdecimal()), default=None)


def _damage(directory: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        checksums = json.loads((directory / _CHECKSUMS).read_text(encoding="utf-8"))
        for name, checksum in checksums.items():
            if _checksum(directory / name) != checksum:
                return f"{name} does not match its checksum"
    except OSError as error:
        return f"{Path(error.filename or directory).name}: {error.strerror or error}"
    except (ValueError, AttributeError):
        return f"{_CHECKSUMS} is damaged"
    return None


def _checksum(path: Path) -> list[int | str]:
    """The size and the sha256 digest of a file."""
    return [path.stat().st_size, file_sha256(path)]
