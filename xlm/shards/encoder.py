"""Many lines of pieces to ids at once.

lines = LineEncoder(vocabulary).encode(["a b@@ c", ""])
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlm.bpe.vocabulary import FIRST_ORDINARY, UNKNOWN, Vocabulary
from xlm.shards.lines import Lines


class LineEncoder:
    """Gives the ids of `Vocabulary.ids`, split and looked up by Arrow: no Python object a piece.

    Each call sorts the vocabulary into a table first (some milliseconds): call it with many lines.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        # Arrow finds an empty piece before white space at a line's start, and behind it at its end.
        self._pieces = pa.array([*vocabulary.tokens, ""], pa.string())
        self._dropped = np.zeros(len(self._pieces), dtype=np.bool_)
        self._dropped[:FIRST_ORDINARY] = self._dropped[-1] = True
        self._dropped[UNKNOWN] = False

    def encode(self, texts: Sequence[str]) -> Lines:
        """The ids of each text; white space parts pieces, so a newline at the end does not count.

        Unknown pieces become 3, special names but `<unk>` are dropped.
        """
        # Arrow's white space is that of str.split, all of Unicode's.
        pieces = pc.utf8_split_whitespace(pa.array(texts, pa.string()))
        found = pc.index_in(pieces.values, value_set=self._pieces).fill_null(UNKNOWN)
        ids = found.to_numpy()
        kept = ~self._dropped[ids]
        rows = np.repeat(np.arange(len(texts)), np.diff(pieces.offsets.to_numpy()))
        lengths = np.bincount(rows[kept], minlength=len(texts))
        return Lines(ids[kept], np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]))
