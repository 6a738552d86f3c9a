"""What a search for the artifact of a path finds."""

from dataclasses import dataclass, field

from xlm.errors import StoreError
from xlm.store.manifest import Manifest
from xlm.store.stored import Catalogue, Stored


@dataclass(frozen=True)
class FoundPart:
    """A folder of a copy, and the artifact that its files are from."""

    path: str
    """Empty for the copied folder itself."""
    stored: Stored
    manifest: Manifest
    path_in_artifact: str


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
    parts: tuple[FoundPart, ...] = ()
    """Of a folder with files of several artifacts, that of `stored` among them."""
    faults: tuple[str, ...] = field(default=())


def manifest_of(stored: Stored) -> Manifest:
    """The manifest of an artifact.

    Raises:
        StoreError: it cannot be read.
    """
    if stored.manifest is None:
        raise StoreError(
            f"the manifest of {stored.directory} cannot be read",
            fix="check the store with `xlm store verify`",
        )
    return stored.manifest
