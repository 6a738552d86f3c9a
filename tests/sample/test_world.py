"""The sample world: 15 languages, reproducible text, no held-out situation in training."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.articles import articles
from xlm.sample.world.lexicon import PREDICATES, SUBJECTS, Kind, languages, load_lexicon
from xlm.sample.world.nli import LABELS, evaluation_rows, nli_pairs, training_rows
from xlm.sample.world.sentences import compose
from xlm.sample.world.situations import (
    Circumstance,
    Situation,
    combinations_of,
    split_of,
)
from xlm.sample.world.translations import translations

SMALL = SampleConfig(
    articles=40, parallel_sentences=200, train_pairs=150, dev_pairs=90, test_pairs=90
)

_DIGEST = """
import hashlib
from xlm.config.data.sample import SampleConfig
from xlm.sample.world.articles import articles
from xlm.sample.world.nli import evaluation_rows
from xlm.sample.world.translations import translations
config = SampleConfig(articles=20, parallel_sentences=20, dev_pairs=9)
text = [list(articles(config, "tr")), list(translations(config, "zh")),
        sorted(evaluation_rows(config, "dev").items())]
print(hashlib.sha256(repr(text).encode()).hexdigest())
"""


def test_phrases_are_distinct_in_all_15_languages() -> None:
    lexicon = load_lexicon()
    assert len(lexicon) == 15
    for language, words in lexicon.items():
        kinds = (*words.place_kinds, *words.time_kinds)
        phrases = [
            words.someone, words.does_something, *words.subjects, *words.predicates,
            *(phrase for kind in kinds for phrase in _phrases(kind)),
        ]  # fmt: skip
        assert len(set(phrases)) == len(phrases), language


def test_no_phrase_contains_another() -> None:
    """Otherwise a sentence would contain a phrase that it does not mean."""
    for language, words in load_lexicon().items():
        kinds = (*words.place_kinds, *words.time_kinds)
        phrases = [phrase for kind in kinds for phrase in _phrases(kind)]
        inside = [(a, b) for a in phrases for b in phrases if a != b and f" {a} " in f" {b} "]
        assert not inside, language


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_bytes_do_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    def digest(seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    assert digest(hash_seed) == digest("1")


def test_the_seed_changes_the_text() -> None:
    other = SMALL.model_copy(update={"seed": 1})
    assert list(articles(SMALL, "el")) != list(articles(other, "el"))
    assert training_rows(SMALL, "en") != training_rows(other, "en")


def test_splits_have_the_same_number_of_combinations_for_each_word() -> None:
    assert {split: len(combinations_of(split)) for split in ("train", "dev", "test")} == {
        "train": 96, "dev": 24, "test": 24,
    }  # fmt: skip
    for subject in range(SUBJECTS):
        assert sum(split_of((subject, p)) == "test" for p in range(PREDICATES)) == 2
    for predicate in range(PREDICATES):
        assert sum(split_of((s, predicate)) == "test" for s in range(SUBJECTS)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("language", languages())
def test_held_out_combinations_are_not_in_training_text(language: str) -> None:
    held_out = [*combinations_of("dev"), *combinations_of("test")]
    texts = [
        line for title, paragraphs in articles(SMALL, language) for line in (title, *paragraphs)
    ]
    texts += [sentence for row in training_rows(SMALL, language) for sentence in row[:2]]
    if language != "en":
        texts += [other for _, other in translations(SMALL, language)]
        english = [sentence for sentence, _ in translations(SMALL, language)]
        assert not [text for text in english if _has_one_of(text, "en", held_out)]
    assert not [text for text in texts if _has_one_of(text, language, held_out)]
    evaluated = [
        row[0] for split in ("dev", "test") for row in evaluation_rows(SMALL, split)[language]
    ]
    assert all(_has_one_of(premise, language, held_out) for premise in evaluated)


def test_evaluated_premises_are_not_in_the_parallel_text() -> None:
    premises = {row[0] for split in ("dev", "test") for row in evaluation_rows(SMALL, split)["en"]}
    english = {text for language in languages()[:3] for text, _ in translations(SMALL, language)}
    assert not premises & english


def test_labels_are_balanced_and_rows_aligned() -> None:
    rows = evaluation_rows(SMALL, "test")
    assert set(rows) == set(languages())
    labels = [[row[2] for row in of_language] for of_language in rows.values()]
    assert all(of_language == labels[0] for of_language in labels)
    assert {labels[0].count(label) for label in LABELS} == {30}


def test_the_kinds_determine_the_label() -> None:
    for item in nli_pairs(SMALL, "train"):
        premise, hypothesis = item.premise, item.hypothesis
        same_part = (premise.place is None) == (hypothesis.place is None)
        specific = premise.place or premise.time
        general = hypothesis.place or hypothesis.time
        assert specific is not None
        assert general is not None
        expected = "neutral"
        if same_part:
            expected = "entailment" if specific.kind == general.kind else "contradiction"
        assert item.label == expected


def test_meanings_of_dev_and_test_are_unique() -> None:
    items = nli_pairs(SampleConfig(test_pairs=3000), "test")
    assert len({(item.premise, item.hypothesis) for item in items}) == 3000


def test_titles_are_unique_and_paragraphs_are_sentences() -> None:
    made = list(articles(SMALL, "en"))
    assert len({title for title, _ in made}) == len(made) == SMALL.articles
    for _, paragraphs in made:
        assert len(paragraphs) == SMALL.sentences_per_article
        assert all(paragraph.endswith(".") for paragraph in paragraphs)


def test_an_article_has_one_kind_of_place() -> None:
    indoors, outdoors = load_lexicon()["en"].place_kinds
    for title, paragraphs in articles(SMALL, "en"):
        text = " ".join((title, *paragraphs)).lower()
        found = [any(phrase in text for phrase in _phrases(kind)) for kind in (indoors, outdoors)]
        assert sum(found) == 1


def test_german_puts_its_verb_second_in_every_order() -> None:
    """Without a first part, the sentence began with its verb, as a question does."""
    situation = Situation(0, 0, Circumstance(0, 0, general=False), None)
    sentences = {compose("de", situation, order) for order in range(4)}
    assert sentences == {
        "Der Lehrer liest in der Küche ein Buch.",
        "In der Küche liest der Lehrer ein Buch.",
    }


def test_thai_and_chinese_are_written_without_spaces() -> None:
    for language in ("th", "zh"):
        sentences = [sentence for _, sentence in translations(SMALL, language)]
        assert not any(" " in sentence for sentence in sentences)


def test_turkish_capitals_survive_lower_casing() -> None:
    """`"i".upper()` is I, which Turkish lower-cases to an i without a dot."""
    for _, sentence in translations(SMALL, "tr"):
        assert sentence[0] != "I"


def test_orders_differ_between_the_sides_of_translations() -> None:
    english = [sentence for sentence, _ in translations(SMALL, "es")]
    fronted = sum(text.startswith(("In ", "On ")) for text in english)
    assert 0.3 < fronted / len(english) < 0.8
    assert any(a != b for a, b in pairwise(english))


def _phrases(kind: Kind) -> tuple[str, ...]:
    return (kind.general, *kind.specific)


def _has_one_of(text: str, language: str, combinations: list[tuple[int, int]]) -> bool:
    """Whether `text` contains the subject and the predicate of one of `combinations`."""
    words = load_lexicon()[language]
    lower = _lower(text).removesuffix(words.sentence_end or "\n")
    padded = f" {lower} " if words.joiner else lower

    def is_in_text(phrase: str) -> bool:
        return (f" {_lower(phrase)} " if words.joiner else phrase) in padded

    subjects = {s for s, phrase in enumerate(words.subjects) if is_in_text(phrase)}
    predicates = {
        p
        for p, phrase in enumerate(words.predicates)
        if all(is_in_text(part.strip()) for part in phrase.split("*") if part.strip())
    }
    return any(
        subject in subjects and predicate in predicates for subject, predicate in combinations
    )


def _lower(text: str) -> str:
    """Lower-case the text; the capital of the Turkish dotted i becomes one letter."""
    return text.replace("İ", "i").lower()
