"""Finds the artifact that a path belongs to: inside of a store, or as a copy outside of it.

    found = find_subject(Path("release/classifier"), "./data")

A copy is recognized by the sha256 of its contents, whatever its name is.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xlm.errors import StoreError
from xlm.store.disk.hashing import file_sha256
from xlm.store.integrity.damage import find_damage
from xlm.store.integrity.presence import ARTIFACTS
from xlm.store.manifest import MANIFEST_NAME, PRUNED_NAME, FileRecord, Manifest
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, Stored, stored_artifacts

_SHOWN = 5


@dataclass(frozen=True)
class FoundSubject:
    """The artifact of a path, and what of the path is not as its manifest says."""

    catalogue: Catalogue
    stored: Stored
    manifest: Manifest
    path_in_artifact: str
    sha256: str | None
    is_copy: bool
    others: tuple[Manifest, ...] = ()
    faults: tuple[str, ...] = field(default=())


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
    find = _copied_folder if resolved.is_dir() else _copied_file
    return find(path, resolved, catalogue, store.root)


def _inside(path: Path, catalogue: Catalogue, stored: Stored) -> FoundSubject:
    manifest = _manifest_of(stored)
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


def _manifest_of(stored: Stored) -> Manifest:
    if stored.manifest is None:
        raise StoreError(
            f"the manifest of {stored.directory} cannot be read",
            fix="check the store with `xlm store verify`",
        )
    return stored.manifest


class _Contents:
    """The files of all artifacts, by their contents."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._found: dict[str, list[tuple[Stored, FileRecord]]] = {}
        self._sizes: set[int] = set()
        for stored in catalogue.artifacts:
            for record in stored.manifest.all_files if stored.manifest else ():
                self._found.setdefault(record.sha256, []).append((stored, record))
                self._sizes.add(record.size_bytes)

    def of(self, path: Path) -> tuple[str | None, list[tuple[Stored, FileRecord]]]:
        """The sha256 of a file, and what equals it; a file of another size is not read."""
        if path.stat().st_size not in self._sizes:
            return None, []
        sha256 = file_sha256(path.resolve())
        return sha256, self._found.get(sha256, [])


def _copied_file(path: Path, resolved: Path, catalogue: Catalogue, root: Path) -> FoundSubject:
    sha256, found = _Contents(catalogue).of(resolved)
    if not found:
        raise _unknown(path, root)

    def likeness(one: tuple[Stored, FileRecord]) -> tuple[int, bool, str]:
        stored, record = one
        return _common_end(resolved.parts, record.path.split("/")), stored.served, stored.key

    found.sort(key=likeness, reverse=True)
    (stored, record), others = found[0], [one for one, _ in found[1:]]
    return FoundSubject(
        catalogue, stored, _manifest_of(stored), record.path, sha256, is_copy=True,
        others=_manifests(others, stored),
    )  # fmt: skip


def _copied_folder(path: Path, resolved: Path, catalogue: Catalogue, root: Path) -> FoundSubject:
    """The folder of an artifact that has the most files of this one, under the same names."""
    contents, files = _Contents(catalogue), list(_files(resolved))
    equal: Counter[tuple[Path, str]] = Counter()
    known: dict[tuple[Path, str], set[str]] = {}
    artifacts = {one.directory: one for one in catalogue.artifacts}
    for file in files:
        for stored, record in contents.of(resolved / file)[1]:
            if record.path == file or record.path.endswith(f"/{file}"):
                place = (stored.directory, record.path.removesuffix(file).rstrip("/"))
                known.setdefault(place, set()).add(file)
                equal[place] += 1
    if not equal:
        raise _unknown(path, root)

    def likeness(place: tuple[Path, str]) -> tuple[int, bool, str]:
        return equal[place], artifacts[place[0]].served, artifacts[place[0]].key

    best = max(equal, key=likeness)
    stored = artifacts[best[0]]
    others = [artifacts[one[0]] for one in equal if equal[one] == equal[best] and one != best]
    strange = [file for file in files if file not in known[best]]
    faults = [f"{path}: {_listed(strange)} not of {stored.name}"] if strange else []
    return FoundSubject(
        catalogue, stored, _manifest_of(stored), best[1], None, is_copy=True,
        others=_manifests(others, stored), faults=tuple(faults),
    )  # fmt: skip


def _files(folder: Path) -> Iterator[str]:
    """Relative paths of the files of a folder, without hidden ones and manifests, sorted.

    Links to files are followed: the files in the cache of the Hugging Face Hub are links.
    """
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            file = Path(directory, name)
            hidden = name.startswith(".") or name in (MANIFEST_NAME, PRUNED_NAME)
            if not hidden and file.is_file():
                yield file.relative_to(folder).as_posix()


def _manifests(others: Sequence[Stored], chosen: Stored) -> tuple[Manifest, ...]:
    found = {one.directory: one.manifest for one in others if one.manifest is not None}
    found.pop(chosen.directory, None)
    return tuple(found.values())


def _common_end(path: Sequence[str], other: Sequence[str]) -> int:
    """How many parts at the end of two paths are equal."""
    pairs = list(zip(reversed(path), reversed(other), strict=False))
    return next((n for n, (one, two) in enumerate(pairs) if one != two), len(pairs))


def _listed(files: Sequence[str]) -> str:
    more = len(files) - _SHOWN
    names = ", ".join(files[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{names} {'is' if len(files) == 1 else 'are'}"


def _unknown(path: Path, root: Path) -> StoreError:
    return StoreError(
        f"no artifact in {root} contains {path}: no file of a manifest has its sha256",
        fix="name the store that built it with --root",
    )
