"""Cuts a dump into parts that worker processes extract alone.

    cut_dump(DumpFile.open(Path("swwiki.xml.bz2")))     # [Part(0, 1048731), Part(1048731, None)]

A multistream dump is cut between two bzip2 streams. They begin at whole bytes, with a mark of ten
bytes that no other data has by chance; the reader of a part checks that a stream ends where the
next part begins. A dump of one stream is one part. Plain XML can be cut anywhere. The cuts depend
on the file alone, so the number of workers changes no output file.
"""

import re
from collections.abc import Iterator
from typing import IO

from xlm.corpus.wikipedia.dump_file import WHOLE, DumpFile, Part

_STREAM_START = re.compile(rb"BZh[1-9]1AY&SY")
"""The header of a bzip2 stream and the mark of its first block (the digits of pi)."""
_MARK_BYTES = 10
_CHUNK_BYTES = 1 << 20
_MOST_PARTS = 64
"""A part grows with the dump up to its limit, so that small dumps use all workers and large ones
have few files."""
LEAST_BYTES = 1 << 20
_MOST_BYTES = 32 << 20
"""Limits for the size of a part in compressed bytes: one to 30 seconds of work."""
_PLAIN_RATIO = 4
"""Plain XML is about so much larger than bzip2."""


def cut_dump(dump: DumpFile, least_bytes: int = LEAST_BYTES) -> list[Part]:
    """The parts of a dump, in order; together they are the complete file.

    Args:
        least_bytes: about the smallest compressed size of a part.
    """
    if not dump.can_be_cut:
        return [WHOLE]
    size_bytes = dump.path.stat().st_size
    ratio = 1 if dump.is_bzip2 else _PLAIN_RATIO
    part_bytes = min(max(size_bytes // _MOST_PARTS, ratio * least_bytes), ratio * _MOST_BYTES)
    count = max(1, round(size_bytes / part_bytes))
    wanted = [size_bytes * number // count for number in range(1, count)]
    starts = [0, *(_stream_starts(dump, wanted) if dump.is_bzip2 else wanted)]
    return [Part(start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _stream_starts(dump: DumpFile, wanted: list[int]) -> Iterator[int]:
    """The first start of a stream at or after each wanted position, each once."""
    last = 0
    with dump.path.open("rb") as file:
        for position in wanted:
            if position <= last:
                continue
            found = _find_stream(file, position)
            if found is None:
                return
            last = found
            yield found


def _find_stream(file: IO[bytes], position: int) -> int | None:
    overlap = _MARK_BYTES - 1
    while True:
        file.seek(position)
        chunk = file.read(_CHUNK_BYTES + overlap)
        if match := _STREAM_START.search(chunk):
            return position + match.start()
        if len(chunk) <= overlap:
            return None
        position += len(chunk) - overlap
