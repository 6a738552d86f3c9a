"""The sentences among which the page looks for translations.

    corpus = Corpus.embedded(model, sample_sentences(model.languages), report)
    corpus.nearest(vector_D, "sw", within=None, count=5)

From each vector the mean of its language is subtracted, because sentences of one language are near
each other whatever they mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from xlm.config.data.sample import SampleConfig
from xlm.errors import DataError
from xlm.inference.model import Model
from xlm.sample.world.lexicon import languages as sample_languages
from xlm.sample.world.sentences import compose
from xlm.sample.world.situations import combinations_of, draw_kind, draw_situation
from xlm.text.tokenize_files import read_lines

_SAMPLE_SENTENCES = 40
_PART = 1024
_HEADERS = frozenset({"language", "lang"})


@dataclass(frozen=True)
class Sentence:
    """A sentence and the code of its language."""

    language: str
    text: str


@dataclass(frozen=True)
class Neighbour:
    """A sentence near another one, by the cosine of their vectors."""

    sentence: Sentence
    similarity: float


def sample_sentences(languages: Sequence[str]) -> list[Sentence]:
    """The same 40 sentences of the sample world in each of its languages that a model has."""
    random = Random("xlm demo")
    config = SampleConfig()
    situations = [
        draw_situation(random, config, combination, draw_kind(random), draw_kind(random))
        for combination in random.sample(combinations_of("dev"), 12)
        for _ in range(_SAMPLE_SENTENCES // 12 + 1)
    ][:_SAMPLE_SENTENCES]
    return [
        Sentence(code, compose(code, situation, 0))
        for code in languages
        if code in sample_languages()
        for situation in situations
    ]


def read_corpus(path: Path, languages: Sequence[str]) -> list[Sentence]:
    """Read lines of a language and a sentence, separated by a tab; a first line may name them.

    Raises:
        DataError: a line has other fields, an unknown language or no sentence, or is not UTF-8.
    """
    sentences = []
    try:
        for number, line in enumerate(read_lines(path), start=1):
            fields = line.removesuffix("\r").split("\t")
            if number == 1 and fields[0].strip().lower() in _HEADERS:
                continue
            if len(fields) != 2 or not fields[1].strip():
                raise DataError(
                    f"{path}, line {number} is not a language and a sentence",
                    fix="write both, separated by a tab",
                )
            if fields[0] not in languages:
                raise DataError(
                    f"{path}, line {number}: the model has no language {fields[0][:40]!r}",
                    fix=f"use one of {' '.join(languages)}",
                )
            sentences.append(Sentence(*fields))
    except OSError as error:
        raise DataError(
            f"--corpus {path}: {error.strerror}", fix="pass the path of a file"
        ) from None
    if not sentences:
        raise DataError(f"{path} has no sentences", fix="write a language and a sentence a line")
    return sentences


class Corpus:
    """Sentences with their vectors."""

    def __init__(self, sentences: Sequence[Sentence], vectors_ND: NDArray[np.float32]) -> None:
        self.sentences = tuple(sentences)
        codes_N = np.array([one.language for one in sentences])
        self._codes_N = codes_N
        self._means = {code: vectors_ND[codes_N == code].mean(0) for code in sorted(set(codes_N))}
        self._mean_D = vectors_ND.sum(0) / max(len(vectors_ND), 1)
        centred_ND = vectors_ND.copy()
        for code, mean_D in self._means.items():
            centred_ND[codes_N == code] -= mean_D
        self._units_ND = _units(centred_ND)

    @classmethod
    def embedded(
        cls, model: Model, sentences: Sequence[Sentence], report: Callable[[int], None]
    ) -> "Corpus":
        """Compute the vectors of sentences; `report` gets the number of those that are done.

        Raises:
            DataError: a sentence has no tokens.
        """
        parts = [np.empty((0, model.dimension), dtype=np.float32)]
        for begin in range(0, len(sentences), _PART):
            part = sentences[begin : begin + _PART]
            texts, codes = [one.text for one in part], [one.language for one in part]
            parts.append(model.embed(texts, language=codes))
            report(begin + len(part))
        return cls(sentences, np.concatenate(parts))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have sentences."""
        return tuple(self._means)

    def nearest(
        self, vector_D: NDArray[np.float32], language: str, *, within: str | None, count: int
    ) -> list[Neighbour]:
        """The sentences of other languages, or of the language `within`, nearest to a vector."""
        centred_D = vector_D - self._means.get(language, self._mean_D)
        similarity_N = self._units_ND @ _units(centred_D[None])[0]
        allowed_N = self._codes_N == within if within else self._codes_N != language
        candidates = np.flatnonzero(allowed_N)
        best = candidates[np.argsort(-similarity_N[candidates], kind="stable")][:count]
        return [Neighbour(self.sentences[i], float(similarity_N[i])) for i in best]


def _units(vectors_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    units_ND: NDArray[np.float32] = vectors_ND / np.maximum(lengths_N1, 1e-12)
    return units_ND
