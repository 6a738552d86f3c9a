"""What must be known of a text before fastBPE may learn from it, from one pass over its bytes.

facts = read_facts(Path("sample.txt"))
facts.pair_bound  # no pair of symbols can occur more often
"""

import codecs
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xlm.errors import DataError

_CHUNK_BYTES = 1 << 22
_SPACE, _NEWLINE = 0x20, 0x0A


@dataclass(frozen=True)
class TextScan:
    """Sizes are in bytes; words are separated by spaces and newlines."""

    pair_bound: int
    """A number that no pair's count exceeds; 0 if no word has two characters."""
    longest_word_bytes: int
    open_word_bytes: int
    """The length of a last word that no space or newline ends."""


def scan_text(path: Path) -> TextScan:
    """Read the whole text once, in constant memory.

    Two neighbouring characters meet in two bytes: the last of the left one and the first of the
    right one. The most frequent such meeting bounds every pair; merges only lower counts.

    Raises:
        DataError: the text is not UTF-8, or holds a NUL, where fastBPE would end the word.
    """
    meetings = np.zeros(1 << 16, dtype=np.int64)
    previous = np.array([_NEWLINE], dtype=np.uint8)
    check = _Utf8(path)
    longest = open_bytes = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            check.take(chunk)
            data = np.frombuffer(chunk, dtype=np.uint8)
            joined = np.concatenate([previous, data])
            meetings += np.bincount(
                joined[:-1].astype(np.int64) << 8 | joined[1:], minlength=1 << 16
            )
            ends = np.flatnonzero((data == _SPACE) | (data == _NEWLINE))
            if ends.size:
                within = int(np.diff(ends).max(initial=1)) - 1
                longest = max(longest, open_bytes + int(ends[0]), within)
                open_bytes = len(chunk) - 1 - int(ends[-1])
            else:
                open_bytes += len(chunk)
            previous = data[-1:]
    check.end()
    return TextScan(_bound(meetings), max(longest, open_bytes), open_bytes)


def _bound(meetings: NDArray[np.int64]) -> int:
    square = meetings.reshape(256, 256)
    square[[_SPACE, _NEWLINE], :] = 0
    square[:, [_SPACE, _NEWLINE]] = 0
    square[:, 0x80:0xC0] = 0  # continuation bytes begin no character
    return int(square.max())


class _Utf8:
    """Refuses what is not UTF-8, and NUL, naming the place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._done_bytes = 0

    def take(self, chunk: bytes, *, final: bool = False) -> None:
        begun, _ = self._decoder.getstate()
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self._refuse("not UTF-8", self._done_bytes - len(begun) + error.start)
        if (place := chunk.find(b"\0")) >= 0:
            self._refuse("a NUL byte", self._done_bytes + place)
        self._done_bytes += len(chunk)

    def end(self) -> None:
        self.take(b"", final=True)

    def _refuse(self, what: str, place: int) -> None:
        raise DataError(
            f"{self._path}: {what} at byte {place} of the text",
            fix="give tokenized text in UTF-8",
        )
