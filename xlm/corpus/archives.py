"""Reads zip and bzip2 files from strangers: nothing is unpacked by name, nothing grows unbounded.

    with open_zip(path) as archive, open_member(archive, "Tatoeba.en-sw.en") as lines:
        for line in lines: ...          # bytes, split at "\\n" only

A zip with a member that points outside (absolute, `..`, a link) is refused as a whole.
"""

import bz2
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from xlm.errors import DataError

_CHUNK_BYTES = 1 << 20
# Not OSError: the reader of a member may meet a full disk, which is no damage of the archive.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
# Text packs at most 50:1 (bzip2 of repeated lines); a bomb packs 1000:1 and more.
MAX_RATIO = 200
_FREE_BYTES = 64 << 20
"""Below this size no ratio is a danger."""


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip of that path, all of whose members are plain files inside it.

    Raises:
        DataError: the file is truncated or no zip, or holds a member that may do harm.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as fault:
        raise _damaged(path, "truncated or no zip archive") from fault
    with archive:
        for member in archive.infolist():
            _check_member(path, member)
        yield archive


@contextmanager
def open_member(archive: zipfile.ZipFile, name: str) -> Iterator[BinaryIO]:
    """The content of one member, whose checksum is verified when it is read to its end.

    Raises:
        DataError: there is no such member (what is there is listed), or it is damaged.
    """
    path = Path(archive.filename or "")
    if name not in archive.namelist():
        raise missing_member(archive, name)
    try:
        with archive.open(name) as raw:
            yield io.BufferedReader(cast(io.RawIOBase, raw), _CHUNK_BYTES)
    except _DAMAGE as fault:
        raise _damaged(path, f"member {name} is damaged ({fault})") from fault


def missing_member(archive: zipfile.ZipFile, wanted: str) -> DataError:
    """The error for a member that is not there."""
    names = sorted(archive.namelist())
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
    start = packed_bytes = unpacked_bytes = 0
    pending = b""
    with path.open("rb") as file:
        try:
            while pending or (pending := file.read(_CHUNK_BYTES)):
                if decoder.eof:
                    decoder, start = bz2.BZ2Decompressor(), packed_bytes
                packed_bytes += len(pending)
                chunk = decoder.decompress(pending, _CHUNK_BYTES)
                pending = b""
                while True:
                    unpacked_bytes += len(chunk)
                    _check_ratio(path, packed_bytes, unpacked_bytes)
                    if chunk:
                        yield start, chunk
                    if decoder.eof or decoder.needs_input:
                        break
                    chunk = decoder.decompress(b"", _CHUNK_BYTES)
                pending = decoder.unused_data
                packed_bytes -= len(pending)
        except OSError as fault:
            raise _damaged(path, f"not bzip2 data ({fault})") from fault
    if packed_bytes == 0 or not decoder.eof:
        raise _damaged(path, "truncated bzip2 file")


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    unsafe = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    kind = stat.S_IFMT(member.external_attr >> 16)
    if unsafe or "\\" in name or ":" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(
            f"{path.name}: member {name!r} points outside or is no plain file",
            fix="do not trust this archive; get it from its real host",
        )
    if member.flag_bits & 1:
        raise DataError(
            f"{path.name}: member {name!r} is encrypted", fix="get the archive from its real host"
        )
    _check_ratio(path, member.compress_size, member.file_size)


def _check_ratio(path: Path, packed_bytes: int, unpacked_bytes: int) -> None:
    if unpacked_bytes > _FREE_BYTES and unpacked_bytes > MAX_RATIO * packed_bytes:
        raise DataError(
            f"{path.name}: grows more than {MAX_RATIO} times when unpacked",
            fix="do not trust this archive; get it from its real host",
        )


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path.name}: {what}", fix="fetch it again with --refresh download")
