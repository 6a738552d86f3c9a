"""Cleaners that look at lengths: of lines, and of the two sides of a pair."""

import math

from xlm.corpus.cleaning.rows import Row, read_rows
from xlm.corpus.text_files.line_ranges import LineRange

_SMOOTHING_CHARACTERS = 10
"""Added to both lengths of a ratio, because short sentences vary more ("Yes." and "Ndiyo.")."""


class TooShort:
    """Drops rows with a side of fewer characters."""

    reason = "too_short"

    def __init__(self, min_characters: int) -> None:
        self._least = min_characters

    def keep(self, row: Row) -> bool:
        """Whether all sides are long enough, without the spaces around them."""
        return all(len(side.strip()) >= self._least for side in row)

    def detail(self, row: Row) -> str:
        """The length of the shortest side."""
        return f"{min(len(side.strip()) for side in row)} characters"


class TooLong:
    """Drops rows with a side of more characters."""

    reason = "too_long"

    def __init__(self, max_characters: int) -> None:
        self._most = max_characters

    def keep(self, row: Row) -> bool:
        """Whether all sides are short enough, without the spaces around them."""
        return all(len(side.strip()) <= self._most for side in row)

    def detail(self, row: Row) -> str:
        """The length of the longest side."""
        return f"{max(len(side.strip()) for side in row)} characters"


class LengthRatio:
    """Drops pairs with one side much longer than the other side predicts.

    Chinese needs a third of the characters of English, so lengths are compared after the ratio of
    the whole corpus is divided out.
    """

    reason = "length_ratio"

    def __init__(self, max_ratio: float, corpus_characters: tuple[int, int]) -> None:
        """Judge by the characters of both sides of the whole corpus."""
        self._most = max_ratio
        first, second = (max(count, 1) for count in corpus_characters)
        # Half of the correction on each side, so that the order of the languages does not matter.
        self._scale = math.sqrt(first / second)

    def ratio(self, row: Row) -> float:
        """How many times one side is longer than predicted; at least 1."""
        first, second = (len(side.strip()) for side in row)
        left = first / self._scale + _SMOOTHING_CHARACTERS
        found = left / (second * self._scale + _SMOOTHING_CHARACTERS)
        return max(found, 1 / found)

    def keep(self, row: Row) -> bool:
        """Whether the lengths fit."""
        return self.ratio(row) <= self._most

    def detail(self, row: Row) -> str:
        """The ratio of the lengths."""
        return f"{self.ratio(row):.1f} times the expected ratio of lengths"


def count_characters(lines: LineRange) -> list[int]:
    """The characters of each side in a range."""
    totals = [0] * len(lines.columns)
    for row in read_rows(lines):
        for side, text in enumerate(row):
            totals[side] += len(text)
    return totals
