"""Split subwords outside a vocabulary further, as fastBPE's `applybpe` with a vocabulary does.

    allowed = read_allowed_tokens(Path("vocab"), threshold=50)
    restrict = VocabularyRestriction(allowed, ranks)
    restrict("low@@ er")  # "l@@ ow@@ er" if "low@@" is not in the vocabulary

A subword that is not in the vocabulary is replaced by the two symbols of its merge, and these are
split in the same way. A single character stays. subword-nmt's `--vocabulary-threshold` does the
same.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from xlm.bpe.codes_file import Merge
from xlm.bpe.vocabulary import CONTINUATION_MARKER
from xlm.errors import DataError

_WORD_END = "</w>"
_MAX_COUNT_DIGITS = 19
_FIX = "use a vocabulary with `token count` on each line, as `xlm bpe vocab` writes it"


class VocabularyRestriction:
    """Splits the subwords of a word that are not in a vocabulary.

    Args:
        allowed: tokens of the vocabulary, with `@@` where they do not end a word.
        ranks: the merges that produced the subwords.
    """

    def __init__(self, allowed: Collection[str], ranks: Mapping[Merge, int]) -> None:
        self._allowed = frozenset(allowed)
        self._parts: dict[str, Merge] = {}
        for left, right in ranks:
            # Two merges can produce one symbol: keep the lower rank. fastBPE refuses such files.
            self._parts.setdefault(left + right, (left, right))

    def __call__(self, subwords: str) -> str:
        """Split the subwords of one word, joined by spaces, into allowed ones or characters."""
        if all(subword in self._allowed for subword in subwords.split(" ")):
            return subwords
        *others, last = subwords.split(" ")
        symbols = [*(token.removesuffix(CONTINUATION_MARKER) for token in others), last + _WORD_END]
        found: list[str] = []
        # A stack instead of recursion: a hostile codes file can nest thousands of merges.
        stack = [(symbol, False) for symbol in symbols]
        stack[-1] = (symbols[-1], True)
        stack.reverse()
        while stack:
            symbol, final = stack.pop()
            token = symbol.removesuffix(_WORD_END) if final else symbol + CONTINUATION_MARKER
            parts = None if token in self._allowed else self._parts.get(symbol)
            # If the end of a word is a separate symbol, its merge leaves nothing to split.
            if parts is None or (final and not parts[1][1:].endswith(_WORD_END)):
                found.append(token)
                continue
            stack.append((parts[1], final))
            stack.append((parts[0], False))
        return " ".join(found)


def read_allowed_tokens(path: Path, threshold: int = 0) -> frozenset[str]:
    """Read the tokens of a vocabulary file that occur at least `threshold` times.

    A token ends at the last space of its line, so it may contain other white space.

    Raises:
        DataError: a line is not `token count` or repeats a token, or no token reaches the
            threshold.
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
            f"{path}: no token occurs {threshold} times or more"
            if counts
            else f"{path} contains no line `token count`",
            fix="lower --threshold" if counts else _FIX,
        )
    return found


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_COUNT_DIGITS
