"""The manifest: an artifact's table of contents, written last.

An artifact exists when its manifest does. `digest` covers exactly the files that the rules
determine; files that hold measured values are listed under `volatile`, outside of it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from xlm.errors import StoreError
from xlm.store.keys import canonical_json

MANIFEST_NAME = "manifest.json"
RUN_NAME = "run.json"
LOGS_NAME = "logs"
FORMAT_VERSION = 1

_CHUNK_BYTES = 1 << 20


class FileRecord(BaseModel):
    """One file of an artifact; `path` is relative, with forward slashes."""

    model_config = ConfigDict(frozen=True)

    path: str
    size_bytes: int
    sha256: str


class UpstreamRecord(BaseModel):
    """The artifact that filled one role."""

    model_config = ConfigDict(frozen=True)

    stage: str
    unit: str
    key: str
    digest: str


class Manifest(BaseModel):
    """What an artifact is, what it was made from and under which rules."""

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
    def size_bytes(self) -> int:
        """Bytes of all files, volatile ones included."""
        return sum(record.size_bytes for record in [*self.files, *self.volatile])

    @property
    def ingredients(self) -> dict[str, Any]:
        """What the key was made of, as `xlm.store.keys.ingredients_of` names it."""
        return {
            "stage": self.stage,
            "unit": self.unit,
            "code_version": self.code_version,
            "config": self.config,
            "upstream": {role: record.digest for role, record in self.upstream.items()},
            "tools": self.tools,
        }


def content_digest(files: Sequence[FileRecord]) -> str:
    """The digest of the determined files: sha256 over sorted (path, size, sha256)."""
    listing = sorted((record.path, record.size_bytes, record.sha256) for record in files)
    return hashlib.sha256(canonical_json(listing).encode()).hexdigest()


def describe_files(
    directory: Path, volatile: Sequence[str]
) -> tuple[list[FileRecord], list[FileRecord]]:
    """The determined and the volatile files below `directory`, sorted by path."""
    determined: list[FileRecord] = []
    measured: list[FileRecord] = []
    for path in sorted(directory.rglob("*")):
        if path.is_symlink():
            raise StoreError(f"{path} is a symbolic link", fix="a stage must write real files")
        relative = path.relative_to(directory).as_posix()
        if not path.is_file() or relative == MANIFEST_NAME:
            continue
        record = FileRecord(path=relative, size_bytes=path.stat().st_size, sha256=file_sha256(path))
        (measured if _is_volatile(relative, volatile) else determined).append(record)
    return determined, measured


def _is_volatile(relative: str, patterns: Sequence[str]) -> bool:
    always = relative == RUN_NAME or relative.startswith(f"{LOGS_NAME}/")
    return always or any(fnmatch(relative, pattern) for pattern in patterns)


def file_sha256(path: Path) -> str:
    """The sha256 of a file, read once in bounded memory."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def read_manifest(directory: Path) -> Manifest:
    """The manifest of an artifact directory.

    Raises:
        StoreError: it is absent, torn or of another format.
    """
    path = directory / MANIFEST_NAME
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise StoreError(f"{path} is missing") from None
    except (OSError, ValidationError) as error:
        raise StoreError(f"{path} cannot be read ({type(error).__name__})") from error
    if manifest.format_version != FORMAT_VERSION:
        raise StoreError(f"{path} has format {manifest.format_version}, not {FORMAT_VERSION}")
    return manifest


def damage(directory: Path, manifest: Manifest, *, deep: bool) -> str | None:
    """The first thing wrong with an artifact's files, or None.

    The fast check compares existence and sizes; the deep one also every sha256.
    """
    if content_digest(manifest.files) != manifest.digest:
        return "the manifest's own digest does not fit its list of files"
    for record in [*manifest.files, *manifest.volatile]:
        path = directory / record.path
        try:
            size_bytes = path.stat().st_size
        except OSError:
            return f"{record.path} is missing"
        if size_bytes != record.size_bytes:
            return f"{record.path} has {size_bytes} bytes, the manifest says {record.size_bytes}"
        try:
            holds = not deep or file_sha256(path) == record.sha256
        except OSError as error:
            return f"{record.path} cannot be read ({error.strerror})"
        if not holds:
            return f"{record.path} has another sha256 than the manifest says"
    return None


def upstream_digests(upstream: Mapping[str, UpstreamRecord]) -> dict[str, str]:
    """Role to content digest."""
    return {role: record.digest for role, record in upstream.items()}
