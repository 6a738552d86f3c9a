"""The layout of an archive of `xlm store export`: a ZIP file, of which every name is known.

xlm-store.json                           format, artifacts (those it was made for first), run record
manifests/<stage>/<key>.json             the manifest of each artifact
files/<stage>/<key>/<path>               each file that a manifest lists

An archive is not trusted: a reader checks all names, sizes and digests before it publishes a file.
"""

import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xlm.errors import DataError
from xlm.store.disk.filesystem import MAX_SMALL_BYTES
from xlm.store.foreign_manifest import manifest_fault
from xlm.store.manifest import Manifest

INDEX_NAME = "xlm-store.json"
NOT_TRUSTED = "do not use this file; export it again, or ask where it comes from"


class Entry(BaseModel):
    """One artifact of an archive."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    stage: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @property
    def manifest_name(self) -> str:
        """Name of the manifest in the archive."""
        return f"manifests/{self.stage}/{self.key}.json"

    def file_name(self, path: str) -> str:
        """Name of a file of the artifact in the archive."""
        return f"files/{self.stage}/{self.key}/{path}"


class Index(BaseModel):
    """The contents of an archive."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["xlm-store"] = "xlm-store"
    format_version: Literal[1] = 1
    chosen: int = Field(ge=1)
    """Number of artifacts, the first ones, that the archive was made for."""
    artifacts: list[Entry] = Field(min_length=1)
    run: dict[str, Any] | None = None
    """The record of the run, if the archive was made for one."""


def read_index(archive: zipfile.ZipFile, path: Path) -> Index:
    """Read the list of artifacts.

    Raises:
        DataError: the file is not an archive of a store, or its index is damaged.
    """
    if INDEX_NAME not in archive.namelist():
        raise DataError(
            f"{path} is not an archive of `xlm store export`", fix="check the name of the file"
        )
    try:
        index = Index.model_validate_json(_read_small(archive, INDEX_NAME, path))
    except ValidationError as error:
        raise _invalid(path, INDEX_NAME, error) from None
    entries = {(one.stage, one.key) for one in index.artifacts}
    if len(entries) < len(index.artifacts) or index.chosen > len(index.artifacts):
        raise DataError(f"{path}: {INDEX_NAME} contradicts itself", fix=NOT_TRUSTED)
    return index


def read_archived_manifest(archive: zipfile.ZipFile, entry: Entry, path: Path) -> Manifest:
    """Read the manifest of an artifact, and check it against its own key and digest.

    Raises:
        DataError: it is missing, invalid, or does not belong to the entry.
    """
    name = entry.manifest_name
    try:
        manifest = Manifest.model_validate_json(_read_small(archive, name, path))
    except ValidationError as error:
        raise _invalid(path, name, error) from None
    reason = _fault(entry, manifest)
    if reason is not None:
        raise DataError(f"{path}: {name}: {reason}", fix=NOT_TRUSTED)
    return manifest


def _fault(entry: Entry, manifest: Manifest) -> str | None:
    if (manifest.stage, manifest.key, manifest.digest) != (entry.stage, entry.key, entry.digest):
        return "it belongs to another artifact"
    return manifest_fault(manifest)


def _read_small(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise DataError(f"{path}: {name} is missing", fix=NOT_TRUSTED) from None
    if member.file_size > MAX_SMALL_BYTES:
        raise DataError(f"{path}: {name} is larger than {MAX_SMALL_BYTES:,} bytes", fix=NOT_TRUSTED)
    return archive.read(name)


def _invalid(path: Path, name: str, error: ValidationError) -> DataError:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"][:4])
    return DataError(
        f"{path}: {name}: {place}: {first['msg']}"[:300],
        fix="use the version of xlm-pipeline that wrote it, or export it again",
    )
