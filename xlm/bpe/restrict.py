"""Pieces outside of a vocabulary are cut again, as fastBPE's `applybpe` with a vocabulary does.

    allowed = read_allowed_tokens(Path("vocab"), threshold=50)
    restrict = Restriction(allowed, ranks)
    restrict("low@@ er")  # "l@@ ow@@ er" where "low@@" is not in the vocabulary

A piece that is not in the vocabulary becomes the two symbols that were merged to it, each of them
cut again in the same way; a single character stays. subword-nmt's `--vocabulary-threshold` does
the same.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from xlm.bpe.codes_file import Merge
from xlm.errors import DataError

_CONTINUED = "@@"
_WORD_END = "</w>"
_LONGEST_COUNT = 19
_FIX = "give a vocabulary as `xlm bpe vocab` writes it, `token count` on each line"


class VocabularyRestriction:
    """Cuts the pieces of a word that are not allowed.

    Args:
        allowed: tokens, with `@@` where they do not end a word.
        ranks: the merges by which the pieces were made.
    """

    def __init__(self, allowed: Collection[str], ranks: Mapping[Merge, int]) -> None:
        self._allowed = frozenset(allowed)
        self._parts: dict[str, Merge] = {}
        for left, right in ranks:
            # Of two merges to the same symbol the one of lower rank; fastBPE refuses such files.
            self._parts.setdefault(left + right, (left, right))

    def __call__(self, pieces: str) -> str:
        """The pieces of one word, joined by spaces, in pieces that are allowed."""
        if all(piece in self._allowed for piece in pieces.split(" ")):
            return pieces
        *others, last = pieces.split(" ")
        symbols = [*(piece.removesuffix(_CONTINUED) for piece in others), last + _WORD_END]
        found: list[str] = []
        # A stack instead of recursion: a hostile codes file nests thousands of merges.
        waiting = [(symbol, False) for symbol in symbols]
        waiting[-1] = (symbols[-1], True)
        waiting.reverse()
        while waiting:
            symbol, final = waiting.pop()
            token = symbol.removesuffix(_WORD_END) if final else symbol + _CONTINUED
            parts = None if token in self._allowed else self._parts.get(symbol)
            # Merges with a word's end that is a symbol of its own leave nothing to cut.
            if parts is None or (final and not parts[1][1:].endswith(_WORD_END)):
                found.append(token)
                continue
            waiting.append((parts[1], final))
            waiting.append((parts[0], False))
        return " ".join(found)


def read_allowed_tokens(path: Path, threshold: int = 0) -> frozenset[str]:
    """The tokens of a vocabulary file that were seen `threshold` times or more.

    A token ends at the last space of its line, so it may hold other white space.

    Raises:
        DataError: a line is not `token count` or repeats a token, or no token is left.
    """
    counts: dict[str, int] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                token, _, count = line.removesuffix(b"\n").decode().rpartition(" ")
            except UnicodeDecodeError:
                raise DataError(f"{path}, line {number}: not UTF-8", fix=_FIX) from None
            if not token or " " in token or not _is_count(count):
                shown = line[:80].decode(errors="replace").rstrip("\n")
                raise DataError(f"{path}, line {number}: not `token count`: {shown!r}", fix=_FIX)
            if token in counts:
                raise DataError(f"{path}, line {number}: repeats {token[:40]!r}", fix=_FIX)
            counts[token] = int(count)
    found = frozenset(token for token, count in counts.items() if count >= threshold)
    if not found:
        raise DataError(
            f"{path}: no token has a count of {threshold} or more"
            if counts
            else f"{path}: no line `token count`",
            fix="lower --threshold" if counts else _FIX,
        )
    return found


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT
