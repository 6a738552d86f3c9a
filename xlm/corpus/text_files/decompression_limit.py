"""Stops decompression bombs: text compresses to a fiftieth at best, a bomb to a thousandth."""

from pathlib import Path

from xlm.errors import DataError

MAX_RATIO = 200
UNCHECKED_BYTES = 64 << 20
"""Below this size no ratio is dangerous."""
DAMAGED_FIX = (
    "replace the file; if it was downloaded, `xlm store verify` reports whether it changed since "
    "then, and if it did not, choose another release of the source"
)
"""What to do with a damaged file. A download was verified; a local file may have been copied."""
UNTRUSTED_FIX = "do not trust this file; download it from the original server"


def check_ratio(path: Path, packed_bytes: int, unpacked_bytes: int) -> None:
    """Refuse content that is too large for its compressed size.

    Raises:
        DataError: the ratio is above `MAX_RATIO`.
    """
    if unpacked_bytes > UNCHECKED_BYTES and unpacked_bytes > MAX_RATIO * packed_bytes:
        raise DataError(
            f"{path.name}: unpacks to more than {MAX_RATIO} times its size", fix=UNTRUSTED_FIX
        )


class RatioWindow:
    """Checks the ratio within a window, so that valid data cannot hide a bomb after it."""

    def __init__(self, path: Path, buffered_bytes: int) -> None:
        self._path = path
        self._buffered_bytes = buffered_bytes
        """The most that the decompressor reads ahead."""
        self._packed = self._unpacked = 0

    def add_packed(self, count: int) -> None:
        """Count compressed bytes that were read."""
        self._packed += count

    def add_unpacked(self, count: int) -> None:
        """Count decompressed bytes.

        Raises:
            DataError: the ratio is too high.
        """
        self._unpacked += count
        if self._unpacked > UNCHECKED_BYTES:
            check_ratio(self._path, self._packed, self._unpacked)
            # The decompressor may have buffered bytes that were read in this window.
            self._packed, self._unpacked = self._buffered_bytes, 0
