"""A simple learner of BPE merges, the reference for the deterministic learner and fastBPE."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise

Pair = tuple[int, int]


class NaiveLearner:
    """Words are lists of symbol numbers; a merge recounts the pairs of the words that it changes.

    Each merge makes a new symbol, even if another symbol has the same string.
    """

    def __init__(self, words: Mapping[str, int]) -> None:
        symbols_of_word = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
        self.texts = sorted({symbol for symbols in symbols_of_word.values() for symbol in symbols})
        number = {text: index for index, text in enumerate(self.texts)}
        self._words = [
            [number[symbol] for symbol in symbols] for symbols in symbols_of_word.values()
        ]
        self._counts = list(words.values())
        self._pairs: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for word in range(len(self._words)):
            self._add(word, 1)

    def best(self) -> tuple[int, list[Pair]]:
        """Return the largest count and the pairs with that count, in the order of the tie rule."""
        count = max(self._pairs.values(), default=0)
        if count == 0:
            return 0, []
        return count, sorted(
            (pair for pair, found in self._pairs.items() if found == count), key=self._order
        )

    def merge(self, pair: Pair) -> None:
        """Replace each occurrence of the pair by a new symbol, from left to right."""
        self.texts.append(self.texts[pair[0]] + self.texts[pair[1]])
        for word in list(self._where[pair]):
            self._add(word, -1)
            old, new = self._words[word], []
            at = 0
            while at < len(old):
                found = (old[at], old[at + 1]) == pair if at + 1 < len(old) else False
                new.append(len(self.texts) - 1 if found else old[at])
                at += 2 if found else 1
            self._words[word] = new
            self._add(word, 1)

    def line(self, pair: Pair, count: int) -> str:
        """Format the line of a codes file."""
        return f"{self.texts[pair[0]]} {self.texts[pair[1]]} {count}\n"

    def learn(self, num_merges: int) -> tuple[list[str], int]:
        """Return the lines by the tie rule, and the number of lines before the first tie."""
        lines: list[str] = []
        certain = None
        while len(lines) < num_merges:
            count, pairs = self.best()
            if not pairs:
                break
            if len(pairs) > 1 and certain is None:
                certain = len(lines)
            lines.append(self.line(pairs[0], count))
            self.merge(pairs[0])
        return lines, len(lines) if certain is None else certain

    def _order(self, pair: Pair) -> tuple[bytes, bytes, Pair]:
        left, right = (self.texts[symbol].encode() for symbol in pair)
        return left, right, pair

    def _add(self, word: int, sign: int) -> None:
        symbols = self._words[word]
        for pair in pairwise(symbols):
            self._pairs[pair] += sign * self._counts[word]
            if sign > 0:
                self._where[pair].add(word)


def words_of(text: str) -> Counter[str]:
    """Count the words of a text, separated by spaces and newlines."""
    return Counter(word for word in text.replace("\n", " ").split(" ") if word)
