"""Files in an artifact's directory that its manifest does not list: found, never read, moved."""

import logging
from pathlib import Path, PurePosixPath

from xlm.store.disk.filesystem import make_real_directory, walk_real
from xlm.store.manifest import LOGS_NAME, MANIFEST_NAME, PRUNED_NAME, Manifest

log = logging.getLogger(__name__)

UNTRACKED = "untracked"
"""Directory below the store's root to which untracked files are moved."""
_MAX_NAME_CHARACTERS = 200


def untracked_files(directory: Path, manifest: Manifest) -> list[Path]:
    """List the entries that the manifest does not list; of a directory only the directory."""
    listed = {record.path for record in manifest.all_files}
    parents = {parent.as_posix() for path in listed for parent in PurePosixPath(path).parents}
    known = listed | parents | {MANIFEST_NAME, LOGS_NAME, PRUNED_NAME}
    found: list[Path] = []
    for entry in walk_real(directory):
        path = Path(entry.path)
        relative = path.relative_to(directory)
        if relative.as_posix() not in known and not any(top in path.parents for top in found[-1:]):
            found.append(path)
    return found


def move_untracked(root: Path, directory: Path, manifest: Manifest) -> None:
    """Move untracked files to `<root>/untracked`; log what is moved and what cannot be moved."""
    for path in untracked_files(directory, manifest):
        try:
            home = make_real_directory(root, UNTRACKED, manifest.stage, manifest.key)
            number = sum(1 for _ in home.iterdir())
            target = home / f"{number}.{path.name}"[:_MAX_NAME_CHARACTERS]
            path.rename(target)
        except OSError as error:
            log.warning("%r is not in the manifest and is ignored (%s)", str(path), error)
        else:
            log.warning("%r is not in the manifest; moved to %r", str(path), str(target))
