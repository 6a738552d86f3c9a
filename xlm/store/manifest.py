"""The manifest of an artifact: its description and the list of its files, written last.

An artifact exists if its manifest exists. `digest` covers the files that are determined by the
inputs; files with measured values are listed under `volatile` and are not part of it.
"""

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch, fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from xlm.errors import StoreError
from xlm.store.disk.filesystem import is_real_file, read_small, walk_real
from xlm.store.disk.hashing import file_sha256
from xlm.store.file_digest import FileDigest
from xlm.store.keys import canonical_json

MANIFEST_NAME = "manifest.json"
RUN_NAME = "run.json"
PRUNED_NAME = "pruned.json"
"""Marks an artifact of which only the manifest and measurements are left."""
LOGS_NAME = "logs"
FORMAT_VERSION = 1

_REGULAR_FILES = "a stage must write regular files"
_REBUILD = "rebuild the artifact with `xlm run --verify deep`"


def relative_inside(path: str) -> str:
    """Validate a relative path in normal form that stays inside its directory.

    Raises:
        ValueError: the path is absolute, empty, not normalized, or contains `..` or NUL.
    """
    parts = PurePosixPath(path).parts
    if (
        path != "/".join(parts)
        or not parts
        or path.startswith("/")
        or ".." in parts
        or "\0" in path
    ):
        raise ValueError("not a relative path inside the artifact")
    return path


class FileRecord(BaseModel):
    """One file of an artifact; `path` is relative, with forward slashes."""

    model_config = ConfigDict(frozen=True)

    path: Annotated[str, AfterValidator(relative_inside)]
    size_bytes: int = Field(ge=0, lt=1 << 63)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class UpstreamRecord(BaseModel):
    """The artifact that was used for one input role."""

    model_config = ConfigDict(frozen=True)

    stage: str
    unit: str
    key: str
    digest: str
    verified: bool = False
    """Whether its files were hashed and compared right before they were read."""


class Manifest(BaseModel):
    """The identity of an artifact, its inputs, its settings and its files."""

    model_config = ConfigDict(frozen=True)

    format_version: int = FORMAT_VERSION
    stage: str
    unit: str
    key: str
    digest: str
    code_version: int
    config: dict[str, Any]
    upstream: dict[str, UpstreamRecord]
    tools: dict[str, str]
    files: list[FileRecord]
    volatile: list[FileRecord]
    counts: dict[str, int | float | str]
    sources: list[dict[str, Any]]
    resolved_config: dict[str, Any]

    @property
    def all_files(self) -> list[FileRecord]:
        """All files, volatile ones included."""
        return [*self.files, *self.volatile]

    @property
    def size_bytes(self) -> int:
        """Total size of all files, volatile ones included."""
        return sum(record.size_bytes for record in self.all_files)

    @property
    def ingredients(self) -> dict[str, Any]:
        """The inputs of the key, in the form of `xlm.store.keys.ingredients_of`."""
        return {
            "stage": self.stage,
            "unit": self.unit,
            "code_version": self.code_version,
            "config": self.config,
            "upstream": upstream_digests(self.upstream),
            "tools": self.tools,
        }


def upstream_digests(upstream: Mapping[str, UpstreamRecord]) -> dict[str, str]:
    """Map each input role to the content digest of its artifact."""
    return {role: record.digest for role, record in upstream.items()}


def content_digest(files: Sequence[FileRecord]) -> str:
    """Hash the sorted (path, size, sha256) of files to the digest of an artifact."""
    listing = sorted((record.path, record.size_bytes, record.sha256) for record in files)
    return hashlib.sha256(canonical_json(listing).encode()).hexdigest()


def describe_files(
    directory: Path, volatile: Sequence[str], hashed: Iterable[FileDigest] = ()
) -> tuple[list[FileRecord], list[FileRecord]]:
    """Hash the files below `directory`; returns determined and volatile files, sorted by path.

    Args:
        directory: the files to describe.
        volatile: patterns of files that are not part of the digest.
        hashed: digests of files that are not read again if they have not changed.

    Raises:
        StoreError: a file is not regular, or its name is not portable.
    """
    determined: list[FileRecord] = []
    measured: list[FileRecord] = []
    names: set[str] = set()
    known = {file.path: file for file in hashed}
    for entry in walk_real(directory):
        path = Path(entry.path)
        relative = path.relative_to(directory).as_posix()
        if entry.is_dir(follow_symlinks=False) or relative == MANIFEST_NAME:
            continue
        if entry.is_symlink():
            raise StoreError(f"{path} is a symbolic link", fix=_REGULAR_FILES)
        if not entry.is_file(follow_symlinks=False):
            raise StoreError(f"{path} is not a regular file", fix=_REGULAR_FILES)
        if not relative.isprintable() or (name := _normalized(relative)) in names:
            raise StoreError(
                f"{str(path)!r} has a name that is not printable, or that some file systems "
                "confuse with another one",
                fix="a stage must write printable names that differ in more than Unicode form",
            )
        names.add(name)
        status = entry.stat(follow_symlinks=False)
        file = known.get(entry.path)
        sha256 = file.sha256 if file is not None and file.is_of(status) else file_sha256(path)
        record = FileRecord(path=relative, size_bytes=status.st_size, sha256=sha256)
        (measured if _is_volatile(relative, volatile) else determined).append(record)
    determined.sort(key=lambda record: Path(record.path))
    measured.sort(key=lambda record: Path(record.path))
    return determined, measured


def _normalized(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _is_volatile(relative: str, patterns: Sequence[str]) -> bool:
    always = relative == RUN_NAME or relative.startswith(f"{LOGS_NAME}/")
    return always or any(fnmatch(relative, pattern) for pattern in patterns)


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of an artifact directory.

    Raises:
        StoreError: the manifest is missing, damaged, not a regular file or of another format.
    """
    path = directory / MANIFEST_NAME
    try:
        manifest = Manifest.model_validate_json(read_small(path))
    except FileNotFoundError:
        raise StoreError(f"{path} is missing", fix=_REBUILD) from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read ({_summary(error)})", fix=_REBUILD) from error
    if manifest.format_version != FORMAT_VERSION:
        raise StoreError(
            f"{path} has format {manifest.format_version}, not {FORMAT_VERSION}",
            fix="use the version of xlm-pipeline that wrote it, or another root",
        )
    names = [_normalized(record.path) for record in manifest.all_files]
    if len(set(names)) != len(names):
        raise StoreError(f"{path} lists a file twice", fix=_REBUILD)
    return manifest


def _summary(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        location = ".".join(str(part) for part in first["loc"][:4])
        return " ".join(f"{location}: {first['msg']}".split())[:200]
    return type(error).__name__


def listed_files(directory: Path, pattern: str) -> list[Path]:
    """Return the determined files of an artifact that match a glob pattern, sorted by path.

    Files that the manifest does not list are ignored. In a directory without a manifest, such as a
    user's own text files, all regular files count.

    Raises:
        StoreError: the manifest cannot be read.
    """
    if not os.path.lexists(directory / MANIFEST_NAME):
        return sorted(path for path in directory.glob(pattern) if is_real_file(path))
    files = read_manifest(directory).files
    depth = pattern.count("/")
    return sorted(
        directory / file.path
        for file in files
        if file.path.count("/") == depth and fnmatchcase(file.path, pattern)
    )
