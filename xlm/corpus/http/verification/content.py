"""Checks that a file without a published checksum has the format that its name says.

Zip, gzip, bzip2 and xz files contain checksums, so they also prove that they are complete. A text
has no end marker: there the server must confirm the size (`size.py`).
"""

import codecs
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.corpus.text_files.decompression_limit import check_ratio
from xlm.corpus.text_files.zip_files import open_zip, read_members
from xlm.errors import DataError, SourceError

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16
"""An error page is shorter; a corpus is not."""
_XZ_MEMORY_BYTES = 256 << 20
_PACKED = (".zip", ".gz", ".bz2", ".xz")
_PAGE_NAMES = (".html", ".htm", ".xhtml", ".xml")
_STARTS_AS_PAGE = re.compile(
    r"<(\?xml|!doctype|html|head|body|title|meta|script|style|link|div|center|h1|iframe)\b", re.I
)
_STARTS_AS_FRAGMENT = re.compile(
    r"<(?:/?(?:p|br|hr|h[2-6]|table|form|svg|noscript|ul|ol|pre|main|section|article|header|nav|font"
    r"|span|base|frameset)[\s/>]|a\s+href\b|img\s+src\b|!\[CDATA\[|\?php\b)",
    re.I,
)
_CONTAINS_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]", re.I)
_PAGE_HEAD_CHARACTERS = 4096
_IGNORED = re.compile(r"(\s|\ufeff|<!--.*?-->)+", re.S)

Report = Callable[[int], None]


def suffix_of(url: str) -> str:
    """The lower-case suffix of the file name in a URL."""
    return PurePosixPath(re.split(r"[?#]", url)[0]).suffix.lower()


def is_self_checking(url: str) -> bool:
    """Whether the file's format contains checksums that prove it complete and undamaged."""
    return suffix_of(url) in _PACKED


def check_content(path: Path, url: str, report: Report = lambda done: None) -> None:
    """Check the content of a download; archives are unpacked to their end.

    Args:
        report: called with the number of bytes unpacked so far.

    Raises:
        SourceError: the file is empty, a web page, in another format than its name says, or
            damaged.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise SourceError(
            f"{url}: the server sent an empty file",
            fix="run again; if the error persists, use a mirror (sources.mirror)",
        )
    suffix = suffix_of(url)
    if suffix not in _PAGE_NAMES and is_page(head):
        instead = "which is not a zip archive" if suffix == ".zip" else "instead of the file"
        raise SourceError(
            f"{url}: the server sent a web page, {instead} ({_first_words(head)})",
            fix="open the URL in a browser: it may require a login; or use a mirror "
            "(sources.mirror)",
        )
    try:
        if suffix == ".zip":
            _read_zip(path, report)
        elif suffix == ".bz2":
            _count(read_bz2(path), report)
        elif suffix in (".gz", ".xz"):
            (_read_gzip if suffix == ".gz" else _read_xz)(path, report)
    except DataError as fault:
        what = fault.what.removeprefix(f"{path.name}: ")
        raise SourceError(
            f"{url}: the server did not send a complete {suffix[1:]} file: {what}",
            fix="run again; if the error persists, use a mirror (sources.mirror)",
        ) from fault


def is_page(head: bytes) -> bool:
    """Whether these first bytes belong to HTML or XML, in any encoding or compressed with gzip."""
    text = _as_text(head)
    ignored = _IGNORED.match(text)
    text = text[ignored.end() :] if ignored else text
    if len(head) < _HEAD_BYTES and _STARTS_AS_FRAGMENT.match(text):
        return True
    return bool(_STARTS_AS_PAGE.match(text) or _CONTAINS_PAGE.search(text[:_PAGE_HEAD_CHARACTERS]))


def _as_text(head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        # Compressed for the transfer without a Content-Encoding header.
        try:
            head = zlib.decompressobj(31).decompress(head, _HEAD_BYTES)
        except zlib.error:
            return ""
    return _decode(head)


def _decode(head: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, errors="replace")
    # UTF-16 without a byte order mark: every other byte of a tag is zero.
    return head.replace(b"\0", b"").decode("utf-8", errors="replace")


def _first_words(head: bytes) -> str:
    text = _as_text(head)
    title = re.search(r"<title[^>]*>(.*?)</title", text, re.I | re.S)
    shown = " ".join((title[1] if title else text).split())[:60]
    return repr("".join(character for character in shown if character.isprintable()))


def _read_zip(path: Path, report: Report) -> None:
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path.name}: it is not a zip archive")
    with open_zip(path) as archive:
        if all(member.is_dir() for member in archive.infolist()):
            raise DataError(f"{path.name}: it contains no file")
        _count(read_members(archive), report)


def _read_gzip(path: Path, report: Report) -> None:
    done, packed_bytes = 0, path.stat().st_size
    if packed_bytes == 0:
        raise DataError(f"{path.name}: it is empty")
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                done += len(chunk)
                check_ratio(path, packed_bytes, done)
                report(done)
    except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
        raise DataError(f"{path.name}: {fault}") from fault


def _read_xz(path: Path, report: Report) -> None:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
    done, pending, streams = 0, b"", 0
    packed_bytes = path.stat().st_size
    try:
        with path.open("rb") as file:
            while pending or (pending := file.read(_CHUNK_BYTES)):
                if decoder.eof:
                    pending = pending.lstrip(b"\0")  # padding between streams
                    if not pending:
                        continue
                    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
                done += len(decoder.decompress(pending, _CHUNK_BYTES))
                while not (decoder.eof or decoder.needs_input):
                    done += len(decoder.decompress(b"", _CHUNK_BYTES))
                    check_ratio(path, packed_bytes, done)
                report(done)
                pending = decoder.unused_data if decoder.eof else b""
                streams += decoder.eof
    except (lzma.LZMAError, EOFError, MemoryError) as fault:
        raise DataError(f"{path.name}: {fault}") from fault
    if not (streams and decoder.eof):
        raise DataError(f"{path.name}: truncated")


def _count(chunks: Iterable[bytes], report: Report) -> None:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        report(done)
