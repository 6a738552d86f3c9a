"""Checks that a model of fastText is complete.

The library reads a file that ends within its words without end, until the memory is exhausted.

A file has: a magic number and a version; the arguments of the training; the dictionary (counts,
then each word with a 0 byte, its count and its kind); the matrix of the words, and that of the
labels. All numbers are little-endian.
"""

import mmap
import struct
from pathlib import Path

MAGIC = (793712314).to_bytes(4, "little")
"""The first bytes of a model."""
_BEFORE_DICTIONARY = 4 + 4 + 12 * 4 + 8
_DICTIONARY = struct.Struct("<iiiqq")
_COUNT_AND_KIND_BYTES = 9
_PRUNED_BYTES = 8
_MATRIX = struct.Struct("<qq")
_QUANTIZED_MATRIX = struct.Struct("<?qqi")
_FLOAT_BYTES = 4


def is_complete(path: Path) -> bool:
    """Whether a file has all words of its dictionary and the matrix of the words.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            return content[:4] == MAGIC and _end_of_words(content) < len(content)
        except struct.error:
            return False


def _end_of_words(content: mmap.mmap) -> int:
    """The byte after the matrix of the words, or the size of the file if it ends before."""
    words, _, _, _, pruned = _DICTIONARY.unpack_from(content, _BEFORE_DICTIONARY)
    place = _BEFORE_DICTIONARY + _DICTIONARY.size
    for _ in range(words):
        end = content.find(b"\0", place)
        if end < 0:
            return len(content)
        place = end + 1 + _COUNT_AND_KIND_BYTES
    place += max(pruned, 0) * _PRUNED_BYTES
    (is_quantized,) = struct.unpack_from("<?", content, place)
    place += 1
    if is_quantized:
        *_, code_bytes = _QUANTIZED_MATRIX.unpack_from(content, place)
        return int(place + _QUANTIZED_MATRIX.size + code_bytes)
    rows, columns = _MATRIX.unpack_from(content, place)
    return int(place + _MATRIX.size + rows * columns * _FLOAT_BYTES)
