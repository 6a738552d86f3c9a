"""Finds the artifact that a path belongs to: inside of a store, or as a copy outside of it.

    found = find_subject(Path("release/classifier"), "./data")

A copy is recognized by the sha256 of its contents, whatever its name is.
"""

from pathlib import Path

from xlm.errors import StoreError
from xlm.report.lineage.copied_folder import copied_folder
from xlm.report.lineage.copies import copied_file
from xlm.report.lineage.found import FoundSubject, manifest_of
from xlm.store.disk.hashing import file_sha256
from xlm.store.integrity.damage import find_damage
from xlm.store.integrity.presence import ARTIFACTS
from xlm.store.manifest import MANIFEST_NAME, PRUNED_NAME, FileRecord
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, Stored, stored_artifacts


def find_subject(path: Path, root: str) -> FoundSubject:
    """Find the artifact of a file or folder.

    Args:
        path: a path in any store, or a copy of something in the store at `root`.
        root: the store in which copies are looked up.

    Raises:
        StoreError: the path does not exist, or belongs to no artifact with a readable manifest.
    """
    resolved = path.absolute().resolve()
    for folder in (resolved, *resolved.parents):
        if len(folder.parents) > 2 and folder.parent.parent.name == ARTIFACTS:
            store = ArtifactStore.open(str(folder.parents[2]), write=False)
            catalogue = Catalogue(stored_artifacts(store))
            for stored in catalogue.artifacts:
                if stored.directory == folder:
                    return _inside(resolved, catalogue, stored)
    if not resolved.exists():
        raise StoreError(f"{path} does not exist", fix="check the path")
    store = ArtifactStore.open(root, write=False)
    catalogue = Catalogue(stored_artifacts(store))
    find = copied_folder if resolved.is_dir() else copied_file
    return find(path, resolved, catalogue, store.root)


def _inside(path: Path, catalogue: Catalogue, stored: Stored) -> FoundSubject:
    manifest = manifest_of(stored)
    relative = path.relative_to(stored.directory).as_posix()
    relative = "" if relative in (".", MANIFEST_NAME, PRUNED_NAME) else relative
    records = {one.path: one for one in manifest.all_files}
    record = records.get(relative)
    if relative and record is None and not any(one.startswith(f"{relative}/") for one in records):
        raise StoreError(
            f"the manifest of {stored.name} does not list {relative}",
            fix=f"`xlm store show {stored.key[:12]}` shows the artifact",
        )
    sha256, fault = None, None
    if not stored.is_pruned or path.exists():
        if record is not None:
            sha256, fault = _compared(path, record)
        elif not stored.is_pruned:
            fault = find_damage(stored.directory, manifest, deep=False)
    faults = () if fault is None else (f"{stored.name} is damaged: {fault}",)
    return FoundSubject(catalogue, stored, manifest, relative, sha256, is_copy=False, faults=faults)


def _compared(path: Path, record: FileRecord) -> tuple[str | None, str | None]:
    """The sha256 of a file, and how it differs from its manifest."""
    try:
        sha256 = file_sha256(path)
    except FileNotFoundError:
        return None, f"{record.path} is missing"
    except OSError as error:
        return None, f"{record.path} cannot be read ({error.strerror or error})"
    same = sha256 == record.sha256
    return sha256, None if same else f"{record.path} has other bytes than its manifest says"
