"""Blocks of the user's own files, which several processes read at once.

    for block in blocks_of(part, path, "sw"):
        read = read_block(block, target)

Plain text is cut at line ends. A compressed file and a file with columns are one block each: only
reading shows where their rows begin.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.corpus.tables.opening import open_table
from xlm.corpus.tables.table import Table
from xlm.corpus.text_files.compressed import is_compressed
from xlm.corpus.text_files.line_ranges import CHUNK_BYTES, Chunk, chunks, lines_of_chunk
from xlm.corpus.text_files.text_lines import MAX_LINE_BYTES, TextFaults, TextLines

if TYPE_CHECKING:
    from xlm.config.data.own.parts import Part


@dataclass(frozen=True)
class Block:
    """A file of a source, or the lines that start in a chunk of it."""

    part: "Part"
    path: Path
    language: str
    chunk: Chunk | None = None
    is_last: bool = True
    """Whether no other block of the file follows."""

    def open(self) -> Table:
        """Open the complete file.

        Raises:
            DataError: it is damaged, or is not UTF-8.
        """
        return open_table(self.part, self.path, (self.language,))


@dataclass(frozen=True)
class ReadBlock:
    """What was found in a block."""

    lines: int
    blank: int
    faults: TextFaults
    malformed: int
    first_malformed: str


def blocks_of(
    part: "Part", path: Path, language: str, chunk_bytes: int = CHUNK_BYTES
) -> list[Block]:
    """The blocks of a file, in order; those of a plain text have about `chunk_bytes`.

    Raises:
        DataError: the file is damaged, or is not UTF-8.
    """
    whole = Block(part, path, language)
    ends_at_returns = whole.open().text.ends_at_returns
    if part.kind != "text" or ends_at_returns or is_compressed(path):
        return [whole]
    parts = chunks(path, chunk_bytes)
    return [Block(part, path, language, chunk, is_last=chunk is parts[-1]) for chunk in parts] or [
        whole
    ]


def read_block(block: Block, target: Path) -> ReadBlock:
    """Write the lines of a block that are not blank.

    Raises:
        DataError: the file is damaged, or lacks a column.
    """
    lines = blank = 0
    table = block.open()
    found = table.lines()
    if block.chunk is not None:
        table.text = _text_of_chunk(table, block.chunk)
        found = _decoded(table.text, block.chunk)
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for line in found:
            if line.strip():
                file.write(f"{line}\n")
                lines += 1
            else:
                blank += 1
    return ReadBlock(lines, blank, table.text.faults, table.malformed, table.first_malformed)


def _text_of_chunk(table: Table, chunk: Chunk) -> TextLines:
    """Decodes the lines of a chunk."""
    return TextLines(
        lambda: nullcontext(BytesIO()),
        table.name,
        table.language,
        ends_at_returns=False,
        is_start=chunk.start == 0,
    )


def _decoded(text: TextLines, chunk: Chunk) -> Iterator[str]:
    for line in lines_of_chunk(chunk, MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise text.too_long(f"a line after byte {chunk.start:,}")
        yield text.decode(line.removesuffix(b"\n").removesuffix(b"\r"))
