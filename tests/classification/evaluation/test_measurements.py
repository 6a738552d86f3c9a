"""Confidence intervals, baselines and sentence retrieval."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.tiny_world import TinyWorld
from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.evaluation import retrieval
from xlm.classification.evaluation.baselines import BagOfWords
from xlm.classification.evaluation.intervals import wilson_interval
from xlm.classification.evaluation.retrieval import (
    distinct_pairs,
    line_vectors,
    precisions,
    retrieve,
)
from xlm.config.data.tasks import XNLI_LABELS
from xlm.model.formats.ours import load_encoder
from xlm.shards.lines import Examples, Lines, Pairs
from xlm.shards.reader import read_examples, read_pairs

CPU = torch.device("cpu")


def lines(*rows: list[int]) -> Lines:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return Lines(np.array([i for row in rows for i in row], dtype=np.int32), offsets)


def test_wilson_interval_has_known_values() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert wilson_interval(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(29, 29, 0.95)[1] == 1.0
    assert wilson_interval(0, 0, 0.95) == (0.0, 1.0)


@pytest.mark.slow
def test_bag_of_words_learns_labels_of_single_words(world: TinyWorld) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300).astype(np.int64)
    # The word of the hypothesis determines the label, those of the premise do not.
    pairs = Examples(
        lines(*([int(w)] for w in random.integers(14, 50, 300))),
        lines(*([20 + int(label)] for label in labels)),
        labels,
    )
    model = BagOfWords.fit(pairs, vocabulary_size=60, labels=3, epochs=200, seed=0, limit=200)
    assert (model.predict(pairs) == labels).all()
    again = BagOfWords.fit(pairs, vocabulary_size=60, labels=3, epochs=200, seed=0, limit=200)
    assert torch.equal(model.weight_WC, again.weight_WC)


def test_bag_of_words_cannot_learn_relations(world: TinyWorld) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    train = read_examples(world.xnli["en"], "train", vocabulary.hash, XNLI_LABELS)
    test = read_examples(world.xnli["sw"], "test", vocabulary.hash, XNLI_LABELS)
    model = BagOfWords.fit(
        train, vocabulary_size=vocabulary.size, labels=3, epochs=5, seed=0, limit=1000
    )
    assert (model.predict(test) == test.labels).mean() < 0.6


def test_repeated_sentences_are_left_out() -> None:
    first = lines([20], [21], [20], [22], [])
    second = lines([30], [31], [32], [31], [33])
    assert distinct_pairs(Pairs(("en", "sw"), first, second), longest=9).tolist() == [0, 1]


def test_states_are_means_over_real_places(encoder: Path) -> None:
    model = load_encoder(encoder).eval()
    texts = lines([20, 21, 22], [23])
    states = torch.from_numpy(line_vectors(model, texts, np.array([0, 1]), "sw", CPU))
    alone = model(torch.tensor([[1, 23, 1]]), torch.full((1, 3), 2))
    torch.testing.assert_close(states[1], alone.mean(1)[0], atol=1e-5, rtol=1e-5)


def test_states_of_a_causal_encoder_attend_to_earlier_positions(causal_encoder: Path) -> None:
    model = load_encoder(causal_encoder).eval()
    tokens, ids = torch.tensor([[1, 23, 24, 1]]), torch.full((1, 4), 2)
    states = torch.from_numpy(line_vectors(model, lines([23, 24]), np.array([0]), "sw", CPU))
    torch.testing.assert_close(
        states[0], model(tokens, ids, causal=True).mean(1)[0], atol=1e-5, rtol=1e-5
    )
    assert (states[0] - model(tokens, ids).mean(1)[0]).abs().max() > 1e-3


def test_identical_languages_are_retrieved_in_both_directions(encoder: Path) -> None:
    model = load_encoder(encoder)
    texts = lines(*([20 + i, 25 + 2 * i, 60 - i] for i in range(12)))
    model.lang_embeddings.weight.data[1] = model.lang_embeddings.weight.data[0]
    found = retrieve(model, Pairs(("en", "fr"), texts, texts), pivot="en", limit=10, device=CPU)
    assert found is not None
    assert found.pairs == 10
    assert found.raw == found.centred == 1.0


def test_the_direction_follows_english_and_not_the_order(encoder: Path, world: TinyWorld) -> None:
    model = load_encoder(encoder)
    vocabulary = load_vocabulary(world.vocabulary)
    pairs = read_pairs(world.pairs["en-sw"], "test", vocabulary.hash)
    plain = retrieve(model, pairs, pivot="en", limit=25, device=CPU)
    turned = Pairs(("sw", "en"), pairs.second, pairs.first)
    assert retrieve(model, turned, pivot="en", limit=25, device=CPU) == plain
    one = Pairs(("en", "sw"), lines([20]), lines([30]))
    assert retrieve(model, one, pivot="en", limit=25, device=CPU) is None


def test_precision_in_blocks_is_that_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(3)
    first_ND = torch.randn(50, 4, generator=generator)
    second_ND = first_ND + torch.randn(50, 4, generator=generator)
    cosine_NN = F.normalize(first_ND, dim=1) @ F.normalize(second_ND, dim=1).T
    numbers = torch.arange(50)
    expected = tuple((cosine_NN.argmax(axis) == numbers).double().mean().item() for axis in (1, 0))
    assert 0 < expected[0] < 1
    assert precisions(first_ND, second_ND) == pytest.approx(expected)
    monkeypatch.setattr(retrieval, "_BLOCK_ROWS", 7)
    assert precisions(first_ND, second_ND) == pytest.approx(expected)
