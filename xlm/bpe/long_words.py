"""Splits one long word exactly as the fastBPE module does, in time n log n.

    split_long_word("lower" * 20_000, read_merge_ranks(Path("codes")))  # "low@@ er@@ low@@ er ..."

The module looks at all pairs of a word anew after each merge: a word of 100 kB takes it hours.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from xlm.bpe.codes_file import Merge

_WORD_END = "</w>"


def split_long_word(word: str, ranks: Mapping[Merge, int], *, end_apart: bool = False) -> str:
    """The pieces of a word, with `@@` on each but the last.

    Args:
        end_apart: the end of a word is a symbol of its own, as in subword-nmt's version 0.1.
    """
    pieces = _merge([*word, _WORD_END] if end_apart else _characters(word), ranks)
    if pieces[-1] == _WORD_END:
        pieces.pop()
    return "@@ ".join(pieces).removesuffix(_WORD_END)


def _characters(word: str) -> list[str]:
    # In C++, a NUL ends the word: the module leaves what follows on the character before it.
    nul = word.find("\0")
    last = len(word) - 1 if nul < 0 else max(nul - 1, 0)
    return [*word[:last], word[last:] + _WORD_END]


def _merge(symbols: list[str], ranks: Mapping[Merge, int]) -> list[str]:
    """Merge the pair of lowest rank everywhere, from left to right, until no merge is left."""
    size = len(symbols)
    before = list(range(-1, size - 1))
    behind = list(range(1, size + 1))

    def rank_at(place: int) -> int | None:
        follower = behind[place]
        return ranks.get((symbols[place], symbols[follower])) if follower < size else None

    waiting = [(rank, place) for place in range(size) if (rank := rank_at(place)) is not None]
    heapify(waiting)
    while waiting:
        lowest = waiting[0][0]
        # All places of one rank first: what these merges make may have a lower one.
        changed: list[int] = []
        while waiting and waiting[0][0] == lowest:
            _, place = heappop(waiting)
            if rank_at(place) != lowest:
                continue
            follower = behind[place]
            symbols[place] += symbols[follower]
            symbols[follower] = ""
            behind[place] = behind[follower]
            if behind[follower] < size:
                before[behind[follower]] = place
            behind[follower] = size
            changed.append(place)
        for place in changed:
            for start in (before[place], place):
                if start >= 0 and (rank := rank_at(start)) is not None:
                    heappush(waiting, (rank, start))
    return [symbol for symbol in symbols if symbol]
