"""Checkpoints: a directory that is whole or absent, and the newest valid one wins.

    checkpoints = Checkpoints(scratch / "checkpoints", keep=2, archive_updates=10_000)
    checkpoints.save(1000, lambda directory: save_file(weights, directory / "model.safetensors"))
    directory = checkpoints.newest()  # None: start from nothing

A checkpoint is written under a staging name, flushed, sealed with the sizes and digests of its
files, and renamed. One whose seal does not hold is passed over, with a word in the log, for the one
before it, and left where it is: what could not be read may be there again tomorrow.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path

from xlm.store.disk.filesystem import remove_tree, sync_directory, sync_tree
from xlm.store.disk.hashing import file_sha256

log = logging.getLogger(__name__)

_SEAL = "seal.json"
_PREFIX = "update-"
_STAGING = "staging"


class Checkpoints:
    """The checkpoints of one run in one directory; only the leading process writes."""

    def __init__(self, directory: Path, *, keep: int, archive_updates: int | None = None) -> None:
        self._directory = directory
        self._keep = keep
        self._archive_updates = archive_updates

    def save(self, update: int, write: Callable[[Path], None]) -> Path:
        """Let `write` fill a directory, make it the newest checkpoint, drop the oldest.

        Those of every `archive_updates` updates stay for ever.
        """
        staging = self._directory / _STAGING
        remove_tree(staging)
        staging.mkdir(parents=True)
        write(staging)
        seal = {path.name: _fingerprint(path) for path in sorted(staging.iterdir())}
        (staging / _SEAL).write_text(json.dumps(seal, indent=1) + "\n", encoding="utf-8")
        sync_tree(staging)
        final = self._directory / f"{_PREFIX}{update:09d}"
        remove_tree(final)
        staging.rename(final)
        sync_directory(self._directory)
        self._prune(final)
        return final

    def newest(self) -> Path | None:
        """The newest checkpoint whose files are what its seal says."""
        for path in reversed(self._all()):
            damage = _damage(path)
            if damage is None:
                return path
            log.warning("checkpoint %s is passed over: %s", path.name, damage)
        return None

    def _all(self) -> list[Path]:
        return sorted(self._directory.glob(f"{_PREFIX}*"))

    def _prune(self, written: Path) -> None:
        # Only checkpoints that hold count, so that the last valid one is never dropped.
        kept = 0
        for path in reversed(self._all()):
            if kept == self._keep:
                if not self._is_archived(path):
                    remove_tree(path)
            # What was just written is not read again: all processes wait for this.
            elif path == written or _damage(path) is None:
                kept += 1

    def _is_archived(self, path: Path) -> bool:
        if self._archive_updates is None:
            return False
        return int(path.name.removeprefix(_PREFIX)) % self._archive_updates == 0


def _damage(directory: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        seal = json.loads((directory / _SEAL).read_text(encoding="utf-8"))
        for name, known in seal.items():
            if _fingerprint(directory / name) != known:
                return f"{name} is not what was written"
    except OSError as error:
        return f"{Path(error.filename or directory).name}: {error.strerror or error}"
    except (ValueError, AttributeError):
        return f"{_SEAL} is damaged"
    return None


def _fingerprint(path: Path) -> list[int | str]:
    return [path.stat().st_size, file_sha256(path)]
