"""Reads zip files from the network: no member is extracted to disk, and sizes are bounded.

    with open_zip(path) as archive, open_member(archive, "Tatoeba.en-sw.en") as lines:
        for line in lines: ...          # bytes, split at "\\n" only

An archive is refused if one of its members points outside (an absolute path, `..`, a link).
"""

import errno
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX, UNTRUSTED_FIX, check_ratio
from xlm.errors import DataError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK_BYTES = 1 << 20
# All that zipfile raises for a damaged archive: it does not validate what it reads.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError,
    RuntimeError, ValueError, OverflowError, IndexError, KeyError, TypeError, AttributeError,
)  # fmt: skip
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_MAX_MEMBERS = 100_000
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 0x41
"""Flag bits of encryption and of strong encryption."""


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file and check that all its members are plain files inside it.

    Raises:
        DataError: the file is truncated or not a zip archive, or a member is unsafe.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGE, OSError) as fault:
        if _is_disk_error(fault):
            raise
        raise _damaged(path, "truncated or not a zip archive") from fault
    with archive:
        members = archive.infolist()
        for member in members:
            _check_member(path, member)
        _check_members(path, members)
        yield archive


@contextmanager
def open_member(archive: zipfile.ZipFile, name: str) -> Iterator[BinaryIO]:
    """Open a member; its checksum is verified when it is read to the end.

    Raises:
        DataError: there is no such member (the message lists the members), or it is damaged.
    """
    if name not in archive.namelist():
        raise missing_member(archive, name)
    with _Member(archive, name) as raw:
        yield cast(BinaryIO, io.BufferedReader(raw, _CHUNK_BYTES))


def read_members(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """The content of all members in chunks; the checksum of each is verified at its end.

    Raises:
        DataError: a member is damaged.
    """
    for member in archive.infolist():
        if not member.is_dir():
            with open_member(archive, member.filename) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk


def missing_member(archive: zipfile.ZipFile, wanted: str, fix: str = "") -> DataError:
    """The error for a member that does not exist; `fix` replaces the usual advice."""
    names = sorted(_shown(name) for name in archive.namelist())
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return DataError(
        f"{Path(archive.filename or '').name}: no member {wanted}; it has {shown or 'no members'}",
        fix=fix or "check the source's version; rebuild with --refresh download",
    )


class _Member(io.RawIOBase):
    """Reads a member and raises a `DataError` for damage of any kind."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        super().__init__()
        self._path = Path(archive.filename or "")
        self._name = name
        self._file: IO[bytes] | None = None
        try:
            self._file = archive.open(name)
        except (*_DAMAGE, OSError) as fault:
            raise self._error(fault) from fault

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        assert self._file is not None
        view = memoryview(buffer).cast("B")
        try:
            data = self._file.read(len(view))
        except (*_DAMAGE, OSError) as fault:
            raise self._error(fault) from fault
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()

    def _error(self, fault: BaseException) -> BaseException:
        if _is_disk_error(fault):
            return fault
        reason = " ".join(str(fault).split())[:200] or type(fault).__name__
        return _damaged(self._path, f"member {_shown(self._name)} is damaged ({reason})")


def _is_disk_error(fault: BaseException) -> bool:
    """Whether the operating system failed.

    EINVAL does not count: a damaged archive makes zipfile seek to a negative position.
    """
    return isinstance(fault, OSError) and fault.errno not in (None, errno.EINVAL)


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    is_outside = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    kind = stat.S_IFMT(member.external_attr >> 16)
    if is_outside or "\\" in name or ":" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(
            f"{path.name}: member {name[:200]!r} points outside or is not a plain file",
            fix=UNTRUSTED_FIX,
        )
    if member.flag_bits & _ENCRYPTED:
        raise DataError(f"{path.name}: member {name[:200]!r} is encrypted", fix=UNTRUSTED_FIX)
    if member.compress_type not in _METHODS:
        raise DataError(
            f"{path.name}: member {name[:200]!r} has compression method {member.compress_type}",
            fix="pack it again with deflate or bzip2, or without compression",
        )
    check_ratio(path, member.compress_size, member.file_size)


def _check_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse an archive that readers may understand differently, or with overlapping members."""
    if len(members) > _MAX_MEMBERS:
        raise _damaged(path, f"{len(members):,} members, more than {_MAX_MEMBERS:,}")
    names = set()
    for member in members:
        if member.filename in names:
            raise _damaged(path, f"two members have the name {member.filename[:200]!r}")
        names.add(member.filename)
    ordered = sorted(members, key=lambda member: member.header_offset)
    for member, after in pairwise(ordered):
        end = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
        if end > after.header_offset:
            raise _damaged(
                path, f"member {member.filename[:200]!r} overlaps {after.filename[:200]!r}"
            )
    if ordered and ordered[0].header_offset < 0:
        raise _damaged(path, f"member {ordered[0].filename[:200]!r} begins before the file")


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 200 else repr(name[:200])


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path.name}: {what}", fix=DAMAGED_FIX)
