"""Finds the artifacts that the files of a copied folder are from.

The copy of a published model is from one artifact. The folder that `xlm dataset` writes is from
one artifact for each part, and from that of the vocabulary and that of the merges.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.report.lineage.copies import Contents, common_end, manifests, unknown
from xlm.report.lineage.found import FoundPart, FoundSubject, manifest_of
from xlm.store.manifest import MANIFEST_NAME, PRUNED_NAME
from xlm.store.stored import Catalogue, Stored

_SHOWN = 5


@dataclass(frozen=True)
class _Place:
    """A folder of an artifact that may have been copied to a folder of the copy."""

    directory: Path
    inside: str
    below: str
    """The folder of the copy; empty for the whole copy."""


def copied_folder(path: Path, resolved: Path, catalogue: Catalogue, root: Path) -> FoundSubject:
    """The artifacts that have the files of this folder, under the same names.

    The first one has the most files. Further ones are sought for the files that are left.

    Raises:
        StoreError: no artifact has any of them.
    """
    files = list(_files(resolved))
    known = _places(resolved, files, catalogue)
    if not known:
        raise unknown(path, root)
    artifacts = {one.directory: one for one in catalogue.artifacts}
    left = {file for equal in known.values() for file in equal}
    chosen: list[_Place] = []
    inputs: set[Path] = set()

    def likeness(place: _Place) -> tuple[bool, bool, bool, int, bool, str]:
        stored, count = artifacts[place.directory], len(known[place] & left)
        return (
            count > 0,
            # The vocabulary that the shards were built from, not a copy of it elsewhere.
            place.directory in inputs,
            _is_part(place, stored),
            count,
            stored.served,
            stored.key,
        )

    while left:
        best = max(known, key=likeness)
        chosen.append(best)
        left -= known[best]
        inputs |= {one.directory for one in catalogue.closure([artifacts[best.directory]])}
    first = artifacts[chosen[0].directory]
    stored = [artifacts[place.directory] for place in chosen]
    same = [
        artifacts[one.directory] for one in known if any(known[one] >= known[p] for p in chosen)
    ]
    parts = [
        FoundPart(place.below, one, manifest_of(one), place.inside)
        for place, one in sorted(
            zip(chosen, stored, strict=True), key=lambda both: (both[0].below, both[1].stage)
        )
    ]
    strange = [file for file in files if not any(file in known[place] for place in chosen)]
    if any(map(_is_part, chosen, stored)):
        strange = [file for file in strange if file not in _written_beside_shards()]
    owner = first.name if len(chosen) == 1 else "these artifacts"
    faults = [f"{path}: {_listed(strange)} not of {owner}"] if strange else []
    return FoundSubject(
        catalogue, first, manifest_of(first), chosen[0].inside, None, is_copy=True,
        others=manifests(same, stored), parts=tuple(parts) if len(parts) > 1 else (),
        faults=tuple(faults),
    )  # fmt: skip


def _places(
    resolved: Path, files: Sequence[str], catalogue: Catalogue
) -> dict[_Place, frozenset[str]]:
    """The files that each place has with the same contents and name."""
    contents = Contents(catalogue)
    found: dict[_Place, set[str]] = {}
    for file in files:
        for stored, record in contents.of(resolved / file)[1]:
            here, there = file.split("/"), record.path.split("/")
            same = common_end(here, there)
            if not same:
                continue
            place = _Place(stored.directory, "/".join(there[:-same]), "/".join(here[:-same]))
            if not place.below or _is_part(place, stored):
                found.setdefault(place, set()).add(file)
    return {place: frozenset(equal) for place, equal in found.items()}


def _is_part(place: _Place, stored: Stored) -> bool:
    """Whether a folder has the name of the unit whose shards it has, as `xlm dataset` writes it."""
    return stored.manifest is not None and place.below == stored.manifest.unit


def _written_beside_shards() -> frozenset[str]:
    from xlm.release.dataset.folder import WRITTEN_NAMES  # imports pyarrow

    return WRITTEN_NAMES


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


def _listed(files: Sequence[str]) -> str:
    more = len(files) - _SHOWN
    names = ", ".join(files[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{names} {'is' if len(files) == 1 else 'are'}"
