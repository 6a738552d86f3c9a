"""Finds the artifact that a copied file equals, by the sha256 of its contents."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from xlm.errors import StoreError
from xlm.report.lineage.found import FoundSubject, manifest_of
from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import FileRecord, Manifest
from xlm.store.stored import Catalogue, Stored


class Contents:
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


def copied_file(path: Path, resolved: Path, catalogue: Catalogue, root: Path) -> FoundSubject:
    """The artifact that has this file, under the most similar path.

    Raises:
        StoreError: no artifact has it.
    """
    sha256, found = Contents(catalogue).of(resolved)
    if not found:
        raise unknown(path, root)

    def likeness(one: tuple[Stored, FileRecord]) -> tuple[int, bool, str]:
        stored, record = one
        return common_end(resolved.parts, record.path.split("/")), stored.served, stored.key

    found.sort(key=likeness, reverse=True)
    (stored, record), others = found[0], [one for one, _ in found[1:]]
    return FoundSubject(
        catalogue, stored, manifest_of(stored), record.path, sha256, is_copy=True,
        others=manifests(others, [stored]),
    )  # fmt: skip


def manifests(others: Iterable[Stored], chosen: Iterable[Stored]) -> tuple[Manifest, ...]:
    """The manifests of `others` that are not chosen, each once."""
    found = {one.directory: one.manifest for one in others if one.manifest is not None}
    for one in chosen:
        found.pop(one.directory, None)
    return tuple(found.values())


def common_end(path: Sequence[str], other: Sequence[str]) -> int:
    """How many parts at the end of two paths are equal."""
    pairs = list(zip(reversed(path), reversed(other), strict=False))
    return next((n for n, (one, two) in enumerate(pairs) if one != two), len(pairs))


def unknown(path: Path, root: Path) -> StoreError:
    """The error of a path that no artifact contains."""
    return StoreError(
        f"no artifact in {root} contains {path}: no file of a manifest has its sha256",
        fix="name the store that built it with --root",
    )
