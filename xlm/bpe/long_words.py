"""Split a long word exactly as the fastBPE module does, in O(n log n).

    split_long_word("lower" * 20_000, read_merge_ranks(Path("codes")))  # "low@@ er@@ low@@ er ..."

The module scans all pairs of a word after each merge: a word of 100 kB takes it hours.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from xlm.bpe.codes_file import Merge

_WORD_END = "</w>"


def split_long_word(word: str, ranks: Mapping[Merge, int], *, separate_end: bool = False) -> str:
    """Split a word into subwords, with `@@` after each but the last.

    Args:
        word: the word, without white space.
        ranks: rank by merge; the lowest rank is applied first.
        separate_end: whether the end of a word is a separate symbol (subword-nmt's version 0.1).
    """
    symbols = [*word, _WORD_END] if separate_end else _characters(word)
    subwords = _merge(symbols, ranks)
    if subwords[-1] == _WORD_END:
        subwords.pop()
    return "@@ ".join(subwords).removesuffix(_WORD_END)


def _characters(word: str) -> list[str]:
    # In C++, a NUL ends the word: the module keeps the rest on the character before the NUL.
    nul = word.find("\0")
    last = len(word) - 1 if nul < 0 else max(nul - 1, 0)
    return [*word[:last], word[last:] + _WORD_END]


def _merge(symbols: list[str], ranks: Mapping[Merge, int]) -> list[str]:
    """Apply the merge of the lowest rank everywhere, left to right, until no merge applies.

    The symbols are a linked list over the original positions; a heap holds the possible merges.
    """
    size = len(symbols)
    previous = list(range(-1, size - 1))
    following = list(range(1, size + 1))

    def rank_at(position: int) -> int | None:
        right = following[position]
        return ranks.get((symbols[position], symbols[right])) if right < size else None

    heap = [(rank, position) for position in range(size) if (rank := rank_at(position)) is not None]
    heapify(heap)
    while heap:
        lowest = heap[0][0]
        # All positions of one rank first: the new pairs may have a lower rank.
        changed: list[int] = []
        while heap and heap[0][0] == lowest:
            _, position = heappop(heap)
            if rank_at(position) != lowest:
                continue
            right = following[position]
            symbols[position] += symbols[right]
            symbols[right] = ""
            following[position] = following[right]
            if following[right] < size:
                previous[following[right]] = position
            following[right] = size
            changed.append(position)
        for position in changed:
            for start in (previous[position], position):
                if start >= 0 and (rank := rank_at(start)) is not None:
                    heappush(heap, (rank, start))
    return [symbol for symbol in symbols if symbol]
