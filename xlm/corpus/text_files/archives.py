"""Reads zip and bzip2 files from strangers: nothing is unpacked by name, nothing grows unbounded.

    with open_zip(path) as archive, open_member(archive, "Tatoeba.en-sw.en") as lines:
        for line in lines: ...          # bytes, split at "\\n" only

A zip with a member that points outside (absolute, `..`, a link) is refused as a whole.
"""

import bz2
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

from xlm.errors import DataError

if TYPE_CHECKING:
    from typing_extensions import Buffer

DAMAGED_FIX = (
    "`xlm store verify` tells whether the file changed after its download; if not, choose another "
    "release of the source"
)
"""What to do with a damaged file: it was checked when it arrived."""

_CHUNK_BYTES = 1 << 20
_PACKED_CHUNK_BYTES = 1 << 16
# What zipfile raises where an archive is damaged: it does not check what it reads.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError,
    RuntimeError, ValueError, OverflowError, IndexError, KeyError, TypeError, AttributeError,
)  # fmt: skip
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
# Text packs at most 50:1 (bzip2 of repeated lines); a bomb packs 1000:1 and more.
MAX_RATIO = 200
_FREE_BYTES = 64 << 20
"""Below this size no ratio is a danger."""
_MOST_MEMBERS = 100_000
_LOCAL_HEADER_BYTES = 30


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip of that path, all of whose members are plain files inside it.

    Raises:
        DataError: the file is truncated or no zip, or holds a member that may do harm.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGE, OSError) as fault:
        if _is_of_the_disk(fault):
            raise
        raise _damaged(path, "truncated or no zip archive") from fault
    with archive:
        members = archive.infolist()
        for member in members:
            _check_member(path, member)
        _check_together(path, members)
        yield archive


@contextmanager
def open_member(archive: zipfile.ZipFile, name: str) -> Iterator[BinaryIO]:
    """The content of one member, whose checksum is verified when it is read to its end.

    Raises:
        DataError: there is no such member (what is there is listed), or it is damaged.
    """
    if name not in archive.namelist():
        raise missing_member(archive, name)
    with _Member(archive, name) as raw:
        yield cast(BinaryIO, io.BufferedReader(raw, _CHUNK_BYTES))


def read_members(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """The content of all members in chunks; each is compared with its checksum at its end.

    Raises:
        DataError: a member is damaged.
    """
    for member in archive.infolist():
        if not member.is_dir():
            with open_member(archive, member.filename) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk


def missing_member(archive: zipfile.ZipFile, wanted: str) -> DataError:
    """The error for a member that is not there."""
    names = sorted(_shown(name) for name in archive.namelist())
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return DataError(
        f"{Path(archive.filename or '').name}: no member {wanted}; it holds {shown or 'nothing'}",
        fix="check the source's version; rebuild with --refresh download",
    )


def read_bz2(path: Path) -> Iterator[bytes]:
    """The decompressed content of all streams of a bzip2 file, in chunks of at most a mebibyte.

    Raises:
        DataError: the file is truncated, no bzip2, or grows beyond all measure.
    """
    return (chunk for _, chunk in read_bz2_streams(path))


def read_bz2_streams(path: Path) -> Iterator[tuple[int, bytes]]:
    """The same chunks, each with the place of the first byte of its stream in the file."""
    decoder = bz2.BZ2Decompressor()
    growth = _Growth(path)
    start = packed_bytes = 0
    pending = b""
    with path.open("rb") as file:
        while pending or (pending := file.read(_PACKED_CHUNK_BYTES)):
            if decoder.eof:
                decoder, start = bz2.BZ2Decompressor(), packed_bytes
            packed_bytes += len(pending)
            growth.packed(len(pending))
            chunk = _decompress(decoder, pending, path, start)
            while True:
                growth.unpacked(len(chunk))
                if chunk:
                    yield start, chunk
                if decoder.eof or decoder.needs_input:
                    break
                chunk = _decompress(decoder, b"", path, start)
            pending = decoder.unused_data
            packed_bytes -= len(pending)
            growth.packed(-len(pending))
    if packed_bytes == 0 or not decoder.eof:
        raise _damaged_stream(path, "truncated bzip2 file", start)


class _Growth:
    """The ratio of a bzip2 file within a window: a bomb after good data is one too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._packed = self._unpacked = 0

    def packed(self, count: int) -> None:
        self._packed += count

    def unpacked(self, count: int) -> None:
        self._unpacked += count
        if self._unpacked > _FREE_BYTES:
            _check_ratio(self._path, self._packed, self._unpacked)
            # What the decoder still holds was read in this window.
            self._packed, self._unpacked = _PACKED_CHUNK_BYTES, 0


class _Member(io.RawIOBase):
    """A member whose damage is a `DataError`, whatever zipfile makes of it."""

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
        if _is_of_the_disk(fault):
            return fault
        told = " ".join(str(fault).split())[:200] or type(fault).__name__
        return _damaged(self._path, f"member {_shown(self._name)} is damaged ({told})")


def _is_of_the_disk(fault: BaseException) -> bool:
    """Whether the operating system failed; a seek to before the file is damage of the archive."""
    return isinstance(fault, OSError) and fault.errno not in (None, errno.EINVAL)


def _decompress(decoder: bz2.BZ2Decompressor, data: bytes, path: Path, start: int) -> bytes:
    try:
        return decoder.decompress(data, _CHUNK_BYTES)
    except (OSError, ValueError) as fault:
        raise _damaged_stream(path, f"not bzip2 data ({fault})", start) from fault


def _damaged_stream(path: Path, what: str, start: int) -> DataError:
    return DataError(
        f"{path.name}: {what}",
        fix=f"the damaged stream begins at byte {start:,}; {DAMAGED_FIX}",
    )


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    unsafe = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    kind = stat.S_IFMT(member.external_attr >> 16)
    if unsafe or "\\" in name or ":" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(
            f"{path.name}: member {name[:200]!r} points outside or is no plain file",
            fix="do not trust this archive; get it from its real host",
        )
    if member.flag_bits & 0x41:
        raise DataError(
            f"{path.name}: member {name[:200]!r} is encrypted",
            fix="get the archive from its real host",
        )
    if member.compress_type not in _METHODS:
        raise DataError(
            f"{path.name}: member {name[:200]!r} is packed by method {member.compress_type}",
            fix="pack it anew, stored, deflated or with bzip2",
        )
    _check_ratio(path, member.compress_size, member.file_size)


def _check_together(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what lets readers see different contents, or one content many times."""
    if len(members) > _MOST_MEMBERS:
        raise _damaged(path, f"{len(members):,} members, more than {_MOST_MEMBERS:,}")
    names = set()
    for member in members:
        if member.filename in names:
            raise _damaged(path, f"two members have the name {member.filename[:200]!r}")
        names.add(member.filename)
    ordered = sorted(members, key=lambda member: member.header_offset)
    for member, after in pairwise(ordered):
        ends = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
        if ends > after.header_offset:
            raise _damaged(
                path, f"member {member.filename[:200]!r} overlaps {after.filename[:200]!r}"
            )
    if ordered and ordered[0].header_offset < 0:
        raise _damaged(path, f"member {ordered[0].filename[:200]!r} begins before the file")


def _check_ratio(path: Path, packed_bytes: int, unpacked_bytes: int) -> None:
    if unpacked_bytes > _FREE_BYTES and unpacked_bytes > MAX_RATIO * packed_bytes:
        raise DataError(
            f"{path.name}: grows more than {MAX_RATIO} times when unpacked",
            fix="do not trust this archive; get it from its real host",
        )


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 200 else repr(name[:200])


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path.name}: {what}", fix=DAMAGED_FIX)
