"""Check a text before fastBPE learns from it, in one pass over its bytes.

scan = scan_text(Path("sample.txt"))
scan.pair_bound  # no pair of symbols occurs more often
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
    """Facts about a text in which spaces and newlines separate words."""

    pair_bound: int
    """Upper bound of the count of any pair; 0 if no word has two characters."""
    longest_word_bytes: int
    open_word_bytes: int
    """Length of a last word that no space or newline ends, else 0."""


def scan_text(path: Path) -> TextScan:
    """Read a text once, in constant memory.

    Two neighboring characters share a byte pair: the last byte of the left character and the first
    byte of the right one. The count of the most frequent byte pair bounds the count of each pair of
    characters, and merges only lower counts.

    Raises:
        DataError: the text is not UTF-8, or contains a NUL, which would end a word in fastBPE.
    """
    byte_pairs = np.zeros(1 << 16, dtype=np.int64)
    previous = np.array([_NEWLINE], dtype=np.uint8)
    validator = _Utf8Validator(path)
    longest = open_bytes = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            validator.feed(chunk)
            data = np.frombuffer(chunk, dtype=np.uint8)
            joined = np.concatenate([previous, data])
            byte_pairs += np.bincount(
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
    validator.finish()
    return TextScan(_pair_bound(byte_pairs), max(longest, open_bytes), open_bytes)


def _pair_bound(byte_pairs: NDArray[np.int64]) -> int:
    square = byte_pairs.reshape(256, 256)
    square[[_SPACE, _NEWLINE], :] = 0
    square[:, [_SPACE, _NEWLINE]] = 0
    square[:, 0x80:0xC0] = 0  # a continuation byte does not start a character
    return int(square.max())


class _Utf8Validator:
    """Refuses bytes that are not UTF-8, and NUL, with their position."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._done_bytes = 0

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        pending, _ = self._decoder.getstate()
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self._refuse("not UTF-8", self._done_bytes - len(pending) + error.start)
        if (position := chunk.find(b"\0")) >= 0:
            self._refuse("a NUL byte", self._done_bytes + position)
        self._done_bytes += len(chunk)

    def finish(self) -> None:
        self.feed(b"", final=True)

    def _refuse(self, what: str, position: int) -> None:
        raise DataError(
            f"{self._path}: {what} at byte {position} of the text",
            fix="pass tokenized text in UTF-8",
        )
