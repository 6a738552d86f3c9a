"""Stream batches: all lines of a language as parallel contiguous streams without padding.

    stream = Stream(lines.ids, rows=64, tokens=256)
    tokens_BT = stream.chunk(0)  # begins with EOS; the next chunk with the last id of this one

XLM: n = ceil(|S| / (B T)) chunks; a buffer of n T B ids filled with EOS holds S at its end, is cut
into B rows of n T, and each row gets one EOS in front, so its last id is never used (spec 3.1).
"""

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS


class Stream:
    """Chunks of one language; the buffer exists only as arithmetic on `ids`."""

    def __init__(self, ids: NDArray[np.int32], *, rows: int, tokens: int) -> None:
        self._ids = ids
        self._tokens = tokens
        self._chunks = -(-len(ids) // (rows * tokens))
        padding = self._chunks * rows * tokens - len(ids)
        # Place in `ids` of the EOS before each row: before the row's first id.
        self._starts = np.arange(rows, dtype=np.int64) * self._chunks * tokens - padding - 1

    def __len__(self) -> int:
        return self._chunks

    def chunk(self, number: int) -> NDArray[np.int64]:
        """Ids of chunk `number`, (rows, tokens)."""
        first_B1 = (self._starts + number * self._tokens)[:, None]
        places_BT = first_B1 + np.arange(self._tokens, dtype=np.int64)
        tokens_BT: NDArray[np.int64] = self._ids[np.maximum(places_BT, 0)].astype(np.int64)
        tokens_BT[places_BT < 0] = EOS
        if number == 0:
            tokens_BT[:, 0] = EOS
        return tokens_BT
