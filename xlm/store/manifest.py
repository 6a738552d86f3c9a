"""The manifest: an artifact's table of contents, written last.

An artifact exists when its manifest does. `digest` covers exactly the files that the rules
determine; files that hold measured values are listed under `volatile`, outside of it.
"""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch, fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from xlm.errors import StoreError
from xlm.store.disk.filesystem import is_real_file, read_small, walk_real
from xlm.store.disk.hashing import file_sha256
from xlm.store.keys import canonical_json

MANIFEST_NAME = "manifest.json"
RUN_NAME = "run.json"
LOGS_NAME = "logs"
FORMAT_VERSION = 1


def relative_inside(path: str) -> str:
    """The path, if it is relative, in its shortest form, and leads nowhere but down.

    Raises:
        ValueError: it does not.
    """
    parts = PurePosixPath(path).parts
    if (
        path != "/".join(parts)
        or not parts
        or path.startswith("/")
        or ".." in parts
        or "\0" in path
    ):
        raise ValueError("not a relative path inside of the artifact")
    return path


class FileRecord(BaseModel):
    """One file of an artifact; `path` is relative, with forward slashes."""

    model_config = ConfigDict(frozen=True)

    path: Annotated[str, AfterValidator(relative_inside)]
    size_bytes: int = Field(ge=0, lt=1 << 63)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class UpstreamRecord(BaseModel):
    """The artifact that filled one role."""

    model_config = ConfigDict(frozen=True)

    stage: str
    unit: str
    key: str
    digest: str
    verified: bool = False
    """Whether its files were compared with their sha256 right before they were read."""


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
    folded: set[str] = set()
    for entry in walk_real(directory):
        path = Path(entry.path)
        relative = path.relative_to(directory).as_posix()
        if entry.is_dir(follow_symlinks=False) or relative == MANIFEST_NAME:
            continue
        if entry.is_symlink():
            raise StoreError(f"{path} is a symbolic link", fix="a stage must write real files")
        if not entry.is_file(follow_symlinks=False):
            raise StoreError(f"{path} is not a regular file", fix="a stage must write real files")
        if not relative.isprintable() or (plain := _folded(relative)) in folded:
            raise StoreError(
                f"{str(path)!r} has a name that some file systems do not keep apart or show",
                fix="a stage must write printable names that differ in more than Unicode form",
            )
        folded.add(plain)
        size_bytes = entry.stat(follow_symlinks=False).st_size
        record = FileRecord(path=relative, size_bytes=size_bytes, sha256=file_sha256(path))
        (measured if _is_volatile(relative, volatile) else determined).append(record)
    determined.sort(key=lambda record: Path(record.path))
    measured.sort(key=lambda record: Path(record.path))
    return determined, measured


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _is_volatile(relative: str, patterns: Sequence[str]) -> bool:
    always = relative == RUN_NAME or relative.startswith(f"{LOGS_NAME}/")
    return always or any(fnmatch(relative, pattern) for pattern in patterns)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of an artifact directory.

    Raises:
        StoreError: it is absent, torn, not a regular file or of another format.
    """
    path = directory / MANIFEST_NAME
    try:
        manifest = Manifest.model_validate_json(read_small(path))
    except FileNotFoundError:
        raise StoreError(f"{path} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read ({_named(error)})") from error
    if manifest.format_version != FORMAT_VERSION:
        raise StoreError(f"{path} has format {manifest.format_version}, not {FORMAT_VERSION}")
    names = [_folded(record.path) for record in [*manifest.files, *manifest.volatile]]
    if len(set(names)) != len(names):
        raise StoreError(f"{path} names a file twice")
    return manifest


def _named(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"][:4])
        return " ".join(f"{place}: {first['msg']}".split())[:200]
    return type(error).__name__


def listed_files(directory: Path, pattern: str) -> list[Path]:
    """The determined files of an artifact whose path fits the pattern, sorted by path.

    A file that the manifest does not name is never returned. A directory without a manifest is not
    an artifact (text that a user gave, say): all its regular files count.

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


def damage(directory: Path, manifest: Manifest, *, deep: bool) -> str | None:
    """The first thing wrong with an artifact's files, or None.

    The fast check compares kinds and sizes; the deep one also every sha256.
    """
    if content_digest(manifest.files) != manifest.digest:
        return "the manifest's own digest does not fit its list of files"
    for record in [*manifest.files, *manifest.volatile]:
        if (reason := _damage_of(directory, record, deep=deep)) is not None:
            return reason
    return None


def _damage_of(directory: Path, record: FileRecord, *, deep: bool) -> str | None:
    path = directory
    try:
        for name in record.path.split("/")[:-1]:
            path = path / name
            if not stat.S_ISDIR(path.lstat().st_mode):
                return f"{path.relative_to(directory)} is not a directory"
        path = directory / record.path
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return f"{record.path} is {_kind(found.st_mode)}, not a regular file"
        if found.st_size != record.size_bytes:
            return f"{record.path} has {found.st_size} bytes, the manifest says {record.size_bytes}"
        if deep and file_sha256(path) != record.sha256:
            return f"{record.path} has another sha256 than the manifest says"
    except FileNotFoundError:
        return f"{record.path} is missing"
    except OSError as error:
        return f"{record.path} cannot be read ({error.strerror or error})"
    return None


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"))
    return next((name for holds, name in kinds if holds(mode)), "a socket or a device")


FileStatus = tuple[int, int, int, int]
"""Inode, size, and times of the last change of bytes and of the inode in nanoseconds."""


def status_of(directory: Path, manifest: Manifest) -> tuple[FileStatus, ...] | None:
    """What tells that files were not touched since; None where one is missing."""
    found = []
    for record in [*manifest.files, *manifest.volatile]:
        try:
            status = (directory / record.path).lstat()
        except OSError:
            return None
        found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(found)


def untracked_files(directory: Path, manifest: Manifest) -> list[Path]:
    """Entries of an artifact's directory that the manifest does not account for, topmost only."""
    named = {record.path for record in [*manifest.files, *manifest.volatile]}
    parents = {parent.as_posix() for path in named for parent in PurePosixPath(path).parents}
    known = named | parents | {MANIFEST_NAME, LOGS_NAME}
    found: list[Path] = []
    for entry in walk_real(directory):
        path = Path(entry.path)
        relative = path.relative_to(directory)
        if relative.as_posix() not in known and not any(top in path.parents for top in found[-1:]):
            found.append(path)
    return found


def upstream_digests(upstream: Mapping[str, UpstreamRecord]) -> dict[str, str]:
    """Role to content digest."""
    return {role: record.digest for role, record in upstream.items()}
