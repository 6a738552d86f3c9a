"""The texts that a command reads: the lines of a file or of standard input, in parts.

    source = TextLines.of(Path("text"))  # None: standard input
    source.check(parse)                  # the whole file, before the long work
    for part in source.parts():
        part.first, part.lines, part.error

A file can be read twice, so its errors are found before the work begins; it may be compressed with
gzip, bzip2, xz or zstd. A pipe is read once, as text.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.cli.text.input_warnings import INPUT
from xlm.cli.text.stream import decode_lines, read_batches
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.encodings import SAMPLE_BYTES
from xlm.corpus.text_files.text_lines import BYTE_ORDER_MARK, require_narrow
from xlm.errors import ConfigError, DataError

_STDIN = 0
_PART_LINES = 1024
_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True)
class Part:
    """Some lines, without their ends, and the error in the line after them."""

    first: int
    """Number of the first line, from 1."""
    lines: list[str]
    error: DataError | None = None


@dataclass(frozen=True)
class TextLines:
    """Lines of a file, or of standard input."""

    name: str
    """How messages name it."""
    path: Path | None
    """A file that can be read twice; None: a pipe."""

    @classmethod
    def of(cls, path: Path | None) -> "TextLines":
        """Open the lines of a file; None: of standard input.

        Raises:
            ConfigError: the file cannot be read.
        """
        if path is None:
            return cls(INPUT, Path("/dev/stdin") if _is_file_from_its_start(_STDIN) else None)
        try:
            with path.open("rb") as file:
                if path.is_file():
                    return cls(str(path), path)
                os.dup2(file.fileno(), _STDIN)  # a pipe, as of <(...), is read as standard input is
                return cls(str(path), None)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}", fix="pass the path of a file") from None

    def where(self, number: int) -> str:
        """`FILE, line 3`."""
        return f"{self.name}, line {number}"

    def name_of(self, numbers: Sequence[int]) -> Callable[[int], str]:
        """How errors name the lines of these numbers, by their index."""
        return lambda index: self.where(numbers[index])

    def check(self, parse: Callable[[str, int], object]) -> int | None:
        """Read every line once; returns how many there are, or None for a pipe.

        Raises:
            DataError: a line is not UTF-8, or `parse` refuses it.
        """
        if self.path is None:
            return None
        count = 0
        for part in self.parts():
            for count, line in enumerate(part.lines, start=part.first):
                parse(line, count)
            if part.error is not None:
                raise part.error
        return count

    def parts(self) -> Iterator[Part]:
        """All lines, in parts of about a thousand; from a pipe, also when it pauses."""
        first = 1
        lines: list[str] = []
        for batch, paused in self._batches():
            decoded, error = decode_lines(batch, first + len(lines), self.name)
            lines += [line.removesuffix("\r") for line in decoded]
            if first == 1 and lines:
                lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
            while len(lines) >= _PART_LINES:
                yield Part(first, lines[:_PART_LINES])
                first += _PART_LINES
                lines = lines[_PART_LINES:]
            if error is not None or (paused and lines):
                yield Part(first, lines, error)
                first += len(lines)
                lines = []
            if error is not None:
                return
        if lines:
            yield Part(first, lines)

    def _batches(self) -> Iterator[tuple[bytes, bool]]:
        """Complete lines, and whether nothing follows for now."""
        if self.path is None:
            yield from read_batches()
            return
        with open_plain(self.path) as file:
            is_first = True
            while block := b"".join(file.readlines(_BLOCK_BYTES)):
                if is_first:
                    require_narrow(block[:SAMPLE_BYTES], self.name)
                    is_first = False
                yield block if block.endswith(b"\n") else block + b"\n", False


def _is_file_from_its_start(descriptor: int) -> bool:
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return is_file and os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    except OSError:
        return False
