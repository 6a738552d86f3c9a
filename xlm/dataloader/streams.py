"""Stream batches: all lines of a language as parallel contiguous streams without padding.

    stream = Stream(lines, rows=64, tokens=256)
    tokens_BT = stream.chunk(0)  # begins with EOS; the next chunk with the last id of this one

XLM: n = ceil(|S| / (B T)) chunks; a buffer of n T B ids filled with EOS holds S at its end, is cut
into B rows of n T, and each row gets one EOS in front, so its last id is never used (spec 3.1).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS


class Ids(Protocol):
    """Lines end to end, in memory (`Lines`) or on the disk (`FlatLines`)."""

    @property
    def tokens(self) -> int:
        """How many ids there are."""
        ...

    def windows(self, starts_B: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """`width` ids from each start on, (B, width); EOS before the first."""
        ...


class Stream:
    """Chunks of one language; the buffer exists only as arithmetic on places in `ids`."""

    def __init__(self, ids: Ids, *, rows: int, tokens: int) -> None:
        self._ids = ids
        self._tokens = tokens
        self._chunks = -(-ids.tokens // (rows * tokens))
        padding = self._chunks * rows * tokens - ids.tokens
        # Place in `ids` of the EOS before each row: before the row's first id.
        self._starts = np.arange(rows, dtype=np.int64) * self._chunks * tokens - padding - 1

    def __len__(self) -> int:
        return self._chunks

    def chunk(self, number: int) -> NDArray[np.int64]:
        """Ids of chunk `number`, (rows, tokens)."""
        starts_B = self._starts + number * self._tokens
        tokens_BT = self._ids.windows(starts_B, self._tokens).astype(np.int64)
        if number == 0:
            tokens_BT[:, 0] = EOS
        return tokens_BT
