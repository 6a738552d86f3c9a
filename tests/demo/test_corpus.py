"""The sentences of the page, and the nearest ones."""

import re
from pathlib import Path

import numpy as np
import pytest

from xlm.demo.corpus import Corpus, Sentence, read_corpus, sample_sentences
from xlm.errors import DataError
from xlm.inference.model import Model


def corpus_of(vectors: dict[str, list[list[float]]]) -> Corpus:
    sentences = [
        Sentence(code, f"{code} {number}")
        for code, rows in vectors.items()
        for number, _ in enumerate(rows)
    ]
    rows = [row for rows in vectors.values() for row in rows]
    return Corpus(sentences, np.array(rows, dtype=np.float32))


def test_nearest_sentences_are_those_without_the_mean_of_their_language() -> None:
    """The Swahili vectors are far from the English ones; their differences are the same."""
    corpus = corpus_of({"en": [[1, 0], [0, 1]], "sw": [[11, 10], [10, 11]], "fr": [[5, 0], [0, 5]]})
    query_D = np.array([1, 0], dtype=np.float32)
    found = corpus.nearest(query_D, "en", within=None, count=2)
    assert [one.sentence.text for one in found] == ["sw 0", "fr 0"]
    assert [one.similarity for one in found] == pytest.approx([1, 1])
    (only,) = corpus.nearest(query_D, "en", within="fr", count=1)
    assert only.sentence == Sentence("fr", "fr 0")
    assert len(corpus.nearest(query_D, "en", within="en", count=9)) == 2
    assert corpus.nearest(query_D, "en", within="tr", count=9) == []


def test_a_query_may_have_a_language_without_sentences() -> None:
    corpus = corpus_of({"en": [[1, 0], [0, 1]]})
    (found,) = corpus.nearest(np.array([2, 0], dtype=np.float32), "sw", within=None, count=1)
    assert found.sentence.text == "en 0"


def test_sample_sentences_are_translations_of_each_other(model: Model) -> None:
    sentences = sample_sentences(("en", "pt", "sw"))
    assert [one.language for one in sentences] == ["en"] * 40 + ["sw"] * 40
    assert sentences == sample_sentences(("en", "pt", "sw"))
    assert len(set(sentences)) > 60
    reported: list[int] = []
    corpus = Corpus.embedded(model, sentences, reported.append)
    assert (corpus.languages, reported) == (("en", "sw"), [80])


def test_a_model_without_languages_of_the_sample_world_has_no_sentences(model: Model) -> None:
    corpus = Corpus.embedded(model, sample_sentences(("pt",)), lambda _: None)
    assert corpus.sentences == ()
    query_D = model.embed("The children.", language="en")
    assert corpus.nearest(query_D, "en", within=None, count=3) == []


def test_a_corpus_has_a_language_and_a_sentence_a_line(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tsv"
    path.write_bytes(b"language\ttext\nsw\tWatoto.\r\nen\tThe children.\n")
    found = read_corpus(path, ("en", "sw"))
    assert found == [Sentence("sw", "Watoto."), Sentence("en", "The children.")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("en\tA\nen B\n", "line 2 is not a language and a sentence; write both, separated by a"),
        ("en\t \n", "line 1 is not a language and a sentence"),
        ("pt\tA\n", "line 1: the model has no language 'pt'; use one of en sw"),
        ("language\ttext\n", "has no sentences; write a language and a sentence a line"),
        ("en\t\udcff\n", "line 1: not UTF-8"),
    ],
)
def test_an_invalid_corpus_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "corpus.tsv"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=re.escape(message)):
        read_corpus(path, ("en", "sw"))
    with pytest.raises(DataError, match=r"--corpus .*absent: No such file"):
        read_corpus(tmp_path / "absent", ("en", "sw"))
