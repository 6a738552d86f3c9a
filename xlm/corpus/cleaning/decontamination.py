"""A cleaner that drops lines with sentences of the dev and test rows of a task.

    sentences = EvaluationSentences(["Mtoto alikwenda sokoni jana asubuhi na mama yake."], 8)
    sentences.found_in("Alisema: mtoto alikwenda sokoni jana asubuhi na mama yake!")

Words are compared in lower case and without punctuation. In languages written without spaces, the
units are letters and digits instead of words.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xlm.corpus.cleaning.rows import Row

_EVALUATION_FILES = ("valid.tsv", "test.tsv")


class EvaluationSentences:
    """The dev and test sentences of one language, as runs of `size` words."""

    def __init__(self, sentences: Iterable[str], size: int, *, unspaced: bool = False) -> None:
        """Index the sentences.

        Args:
            size: number of successive units in common with a line.
            unspaced: whether the units are letters and digits instead of words.
        """
        self._size = size
        self._unspaced = unspaced
        self._runs: set[str] = set()
        self._short: set[str] = set()
        for sentence in sentences:
            units = self._units(sentence)
            if len(units) < size:
                self._short.add(" ".join(units))
            self._runs.update(self._runs_of(units))
        self._short.discard("")

    def found_in(self, line: str) -> str:
        """The first run of a sentence that a line contains; empty: none.

        A sentence with fewer units must be the complete line.
        """
        units = self._units(line)
        for run in self._runs_of(units):
            if run in self._runs:
                return run
        whole = " ".join(units) if len(units) < self._size else ""
        return whole if whole in self._short else ""

    def _units(self, text: str) -> list[str]:
        folded = unicodedata.normalize("NFKC", text).casefold()
        if self._unspaced:
            return list(filter(str.isalnum, folded))
        words = ("".join(filter(str.isalnum, word)) for word in folded.split())
        return [word for word in words if word]

    def _runs_of(self, units: Sequence[str]) -> Iterator[str]:
        for start in range(len(units) - self._size + 1):
            yield " ".join(units[start : start + self._size])


class Contaminated:
    """Drops rows with a side that repeats a dev or test sentence of its language."""

    reason = "in_evaluation_rows"

    def __init__(self, sentences: Sequence[EvaluationSentences | None]) -> None:
        """Judge by the sentences of each side; None: the task has no rows in its language."""
        self._sentences = sentences

    def keep(self, row: Row) -> bool:
        """Whether no side repeats a sentence."""
        return not self._found(row)

    def detail(self, row: Row) -> str:
        """What was found."""
        return self._found(row)

    def _found(self, row: Row) -> str:
        for side, sentences in zip(row, self._sentences, strict=True):
            if sentences is not None and (found := sentences.found_in(side)):
                return found
        return ""


def read_evaluation_sentences(folder: Path) -> Iterator[str]:
    """The sentences of `valid.tsv` and `test.tsv` of an extraction, without the labels."""
    for name in _EVALUATION_FILES:
        path = folder / name
        if path.exists():
            with path.open(encoding="utf-8", newline="\n") as file:
                for line in file:
                    yield from line.rstrip("\n").split("\t")[:-1]
