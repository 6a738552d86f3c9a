"""All lines of a language as parallel contiguous streams without padding, read in chunks.

    stream = Stream(lines, rows=64, tokens=256)
    tokens_BT = stream.chunk(0)  # starts with EOS; chunk 1 starts with the last id of chunk 0

XLM: n = ceil(|S| / (B T)) chunks. A buffer of n T B ids is filled with EOS and holds S at its end;
it is split into B rows of n T ids, and each row gets one EOS in front, so its last id is never
used (spec 3.1).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS


class ContiguousIds(Protocol):
    """Concatenated lines of ids, in memory (`Lines`) or on disk (`FlatLines`)."""

    @property
    def num_tokens(self) -> int:
        """The number of ids."""
        ...

    def windows(self, starts_B: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """`width` ids from each start, (B, width); EOS before the first id."""
        ...


class Stream:
    """The chunks of one language; the buffer is not built, only indices into `ids` are computed."""

    def __init__(self, ids: ContiguousIds, *, rows: int, tokens: int) -> None:
        self._ids = ids
        self._tokens = tokens
        self._chunks = -(-ids.num_tokens // (rows * tokens))
        padding = self._chunks * rows * tokens - ids.num_tokens
        # The index of the EOS in front of each row is one before the index of the row's first id.
        self._starts_B = np.arange(rows, dtype=np.int64) * self._chunks * tokens - padding - 1

    def __len__(self) -> int:
        return self._chunks

    def chunk(self, number: int) -> NDArray[np.int64]:
        """The ids of a chunk, (rows, tokens)."""
        starts_B = self._starts_B + number * self._tokens
        tokens_BT = self._ids.windows(starts_B, self._tokens).astype(np.int64)
        if number == 0:
            tokens_BT[:, 0] = EOS
        return tokens_BT
