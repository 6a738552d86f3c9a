"""The XML of a dump file, as UTF-8: bzip2 streams or plain XML, UTF-8 or UTF-16 with a BOM.

    for chunk in DumpFile.open(Path("swwiki.xml.bz2")).read(): ...

A `Part` is a range of the file: complete bzip2 streams, or any bytes of plain XML. Its reader may
continue after the end of the part, to complete the page that began in it.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.errors import DataError

_CHUNK_BYTES = 1 << 20
_UTF_16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BZIP2 = b"BZh"


@dataclass(frozen=True, slots=True)
class Part:
    """A range of the bytes of a dump file."""

    start: int = 0
    end: int | None = None
    """None: the end of the file."""


WHOLE = Part()


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A dump and how its XML is stored."""

    path: Path
    is_bzip2: bool
    encoding: Literal["utf-8", "utf-16"]

    @classmethod
    def open(cls, path: Path) -> "DumpFile":
        """Read the first bytes to see how the XML is stored; the name does not matter.

        Raises:
            DataError: the file is neither XML nor bzip2.
        """
        with path.open("rb") as file:
            begin = file.read(64)
        # Anything that is not XML is read as bzip2, whose reader says what is wrong with it.
        is_bzip2 = begin.startswith(_BZIP2) or not _is_xml(begin)
        first = next(read_bz2(path), b"") if is_bzip2 else begin
        return cls(path, is_bzip2, "utf-16" if first.startswith(_UTF_16_BOMS) else "utf-8")

    @property
    def can_be_cut(self) -> bool:
        """Whether parts can be read alone; only the start of UTF-16 says in which order it is."""
        return self.encoding == "utf-8"

    def read(self, part: Part = WHOLE) -> Iterator[bytes]:
        """The XML of a part as UTF-8, in chunks of about a MiB, without a BOM.

        Raises:
            DataError: the file is truncated, not bzip2, a decompression bomb, or not UTF-16.
        """
        if self.is_bzip2:
            chunks = read_bz2(self.path, part.start, part.end)
        else:
            chunks = self._read_plain(part)
        if self.encoding == "utf-16":
            return self._decoded(chunks)
        return _without_bom(chunks) if part.start == 0 else chunks

    def _read_plain(self, part: Part) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(part.start)
            left = None if part.end is None else part.end - part.start
            while chunk := file.read(_CHUNK_BYTES if left is None else min(_CHUNK_BYTES, left)):
                left = None if left is None else left - len(chunk)
                yield chunk

    def _decoded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        done_bytes = 0
        try:
            for chunk in chunks:
                yield decoder.decode(chunk).encode()
                done_bytes += len(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError as fault:
            raise DataError(
                f"{self.path.name}: is not valid UTF-16 after byte {done_bytes:,} of its XML",
                fix="download the dump again, or choose another date (sources.wikipedia.date)",
            ) from fault


def _is_xml(begin: bytes) -> bool:
    text = begin.removeprefix(codecs.BOM_UTF8).lstrip()
    return begin.startswith(_UTF_16_BOMS) or text.startswith(b"<")


def _without_bom(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(codecs.BOM_UTF8):
            break
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from chunks
