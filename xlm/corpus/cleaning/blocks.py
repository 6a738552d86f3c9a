"""Blocks of a corpus: ranges of bytes of its text files, which workers read by themselves.

scan = scan_text(path)                   # one pass over the bytes
blocks = blocks_of([scan_en, scan_sw])   # the same lines of both sides of a pair
for block in blocks:
    rows = read_rows(block)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from xlm.corpus.cleaning.rows import Row
from xlm.errors import DataError

BLOCK_LINES = 50_000
_READ_BYTES = 1 << 20
_LINE_END = 10
_CONTINUATION_MASK, _CONTINUATION = 0xC0, 0x80
"""A byte of UTF-8 that begins no character."""


@dataclass(frozen=True)
class TextScan:
    """What one pass over a text file finds."""

    path: Path
    lines: int
    characters: int
    """Without the line ends."""
    offsets: tuple[int, ...]
    """Byte at which each block begins, and the size of the file."""


@dataclass(frozen=True)
class Block:
    """The same lines of one or two aligned files."""

    paths: tuple[Path, ...]
    ranges: tuple[tuple[int, int], ...]
    """First byte, and the byte after the last one, in each file."""


def scan_text(path: Path, block_lines: int = BLOCK_LINES) -> TextScan:
    """Count the lines and characters of a UTF-8 file, and find where its blocks begin."""
    lines = characters = size_bytes = 0
    offsets = [0]
    last = b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            found = np.frombuffer(chunk, np.uint8)
            ends = np.flatnonzero(found == _LINE_END)
            begins = np.count_nonzero((found & _CONTINUATION_MASK) != _CONTINUATION)
            characters += int(begins) - len(ends)
            # Line ends of this chunk that complete a block.
            for index in range(block_lines - lines % block_lines - 1, len(ends), block_lines):
                offsets.append(size_bytes + int(ends[index]) + 1)
            lines += len(ends)
            size_bytes += len(chunk)
            last = chunk[-1:]
    lines += last != b"\n"
    if offsets[-1] != size_bytes:
        offsets.append(size_bytes)
    return TextScan(path, lines, characters, tuple(offsets))


def blocks_of(sides: Sequence[TextScan], unit: str) -> list[Block]:
    """The blocks of one text, or of the two sides of a pair.

    Raises:
        DataError: the sides have different numbers of lines.
    """
    if len({side.lines for side in sides}) > 1:
        counts = " and ".join(f"{side.path.name} has {side.lines:,}" for side in sides)
        raise DataError(
            f"{unit}: different numbers of lines: {counts}",
            fix="rebuild with --refresh extract-parallel",
        )
    paths = tuple(side.path for side in sides)
    ranges = zip(*(pairwise(side.offsets) for side in sides), strict=True)
    return [Block(paths, tuple(found)) for found in ranges]


def read_rows(block: Block) -> list[Row]:
    """The rows of a block, in memory."""
    sides = [_lines(path, found) for path, found in zip(block.paths, block.ranges, strict=True)]
    return list(zip(*sides, strict=True))


def _lines(path: Path, found: tuple[int, int]) -> list[str]:
    begin, end = found
    with path.open("rb") as file:
        file.seek(begin)
        text = file.read(end - begin).decode("utf-8")
    lines = text.split("\n")
    return lines[:-1] if text.endswith("\n") else lines
