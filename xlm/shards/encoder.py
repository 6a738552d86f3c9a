"""Many lines of pieces to ids at once.

lines = LineEncoder(vocabulary).encode(["a b@@ c", ""])
"""

from collections.abc import Sequence
from itertools import chain, repeat

import numpy as np

from xlm.bpe.vocabulary import SPECIAL_TOKENS, UNKNOWN, Vocabulary
from xlm.shards.lines import Lines

_DROPPED = -1


class LineEncoder:
    """Gives the ids of `Vocabulary.ids`, in numpy arrays instead of lists of Python's numbers."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        dropped = dict.fromkeys(SPECIAL_TOKENS, _DROPPED)
        del dropped[SPECIAL_TOKENS[UNKNOWN]]
        self._index = {**vocabulary.index, **dropped}

    def encode(self, texts: Sequence[str]) -> Lines:
        """The ids of each text; white space parts pieces, so a newline at the end does not count.

        Unknown pieces become 3, special names but `<unk>` are dropped.
        """
        pieces = [text.split() for text in texts]
        lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        found = map(self._index.get, chain.from_iterable(pieces), repeat(UNKNOWN))
        ids = np.fromiter(found, np.int32, int(lengths.sum()))
        kept = ids != _DROPPED
        if not kept.all():
            rows = np.repeat(np.arange(len(pieces)), lengths)
            lengths = np.bincount(rows[kept], minlength=len(pieces))
            ids = ids[kept]
        return Lines(ids, np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]))
