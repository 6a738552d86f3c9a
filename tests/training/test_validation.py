"""Validation as in XLM (spec 4.4), with the same masks every time."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model
from xlm.bpe.vocabulary import load_vocabulary
from xlm.dataloader.data import HeldOutData, load_held_out_data
from xlm.dataloader.held_out import masked_pairs
from xlm.dataloader.sampling.pairs import pair_lengths
from xlm.dataloader.sampling.streams import Stream
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.shards.lines import Lines
from xlm.training import validation
from xlm.training.validation import COUNT, DISTINCT, LOSS, Validator, stop_criterion

CPU = torch.device("cpu")
T = 16


@pytest.fixture
def encoder(world: TinyWorld) -> Encoder:
    vocabulary = load_vocabulary(world.vocabulary)
    encoder = Encoder(
        ModelDescription(
            model=tiny_model(),
            languages=LANGUAGES,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
        )
    )
    initialise(encoder, seed=0)
    return encoder


@pytest.fixture
def corpus(world: TinyWorld) -> HeldOutData:
    known = load_vocabulary(world.vocabulary)
    return load_held_out_data(
        "valid", mono=world.mono, pairs=world.pairs, vocabulary_hash=known.hash
    )


def test_stream_perplexity_is_that_of_xlm_row_by_row(encoder: Encoder, corpus: HeldOutData) -> None:
    validator = Validator(corpus, encoder.description, split="valid", stream_tokens=T)
    sums = validator.measure(encoder, [0], CPU)
    stream = Stream(corpus.mono["en"], rows=1, tokens=T)
    random = np.random.RandomState(0)
    loss, cells = 0.0, 0
    encoder.eval()
    for number in range(len(stream)):
        tokens = torch.from_numpy(stream.chunk(number))
        chosen = torch.from_numpy(random.rand(T, 1).T <= 0.15)
        chosen[:, 0] = chosen[:, -1] = False
        if not chosen.any():
            chosen[0, 1 + random.randint(T - 2)] = True
        masked = tokens.masked_fill(chosen, 5)
        with torch.no_grad():
            scores = encoder.predict(encoder(masked, torch.zeros_like(tokens))[chosen])
        loss += F.cross_entropy(scores, tokens[chosen], reduction="sum").item()
        cells += int(chosen.sum())
    assert sums[0, COUNT] == cells
    assert sums[0, LOSS] == pytest.approx(loss, rel=1e-5)
    assert sums[1:].sum() == 0
    assert validator.perplexity(sums[0]) == pytest.approx(math.exp(loss / cells), rel=1e-5)


def test_measuring_is_deterministic_and_restores_training_mode(
    encoder: Encoder, corpus: HeldOutData
) -> None:
    validator = Validator(corpus, encoder.description, split="valid", stream_tokens=T)
    every = range(len(validator.tasks))
    encoder.train()
    first = validator.measure(encoder, every, CPU)
    np.testing.assert_array_equal(first, validator.measure(encoder, every, CPU))
    assert encoder.training
    apart = sum(validator.measure(encoder, [number], CPU) for number in every)
    np.testing.assert_array_equal(first, apart)
    metrics = validator.metrics(first)
    means = [metrics[f"valid_{code}_mlm_ppl"] for code in LANGUAGES]
    assert metrics["valid_mlm_ppl"] == pytest.approx(sum(means) / 3)
    assert stop_criterion(metrics) == metrics["valid_mlm_ppl"]
    assert stop_criterion({"valid_tlm_ppl": 3.0}) == 3.0
    assert stop_criterion({}) is None


def test_special_tokens_are_left_out_if_configured(encoder: Encoder, corpus: HeldOutData) -> None:
    """Training with sample_alpha never predicts </s>, so its perplexity is 10^8."""
    validators = [
        Validator(
            corpus,
            encoder.description,
            split="valid",
            stream_tokens=T,
            predict_special_tokens=predict_special_tokens,
        )
        for predict_special_tokens in (True, False)
    ]
    with torch.no_grad():
        encoder.pred_layer.proj.bias[1] = -1000.0
    every = range(len(validators[0].tasks))
    with_them, without = (v.measure(encoder, every, CPU) for v in validators)
    assert (with_them[:, LOSS] / with_them[:, COUNT]).max() > 50
    assert (without[:, LOSS] / without[:, COUNT]).max() < 10


def test_limits_reduce_the_predicted_positions(encoder: Encoder, corpus: HeldOutData) -> None:
    def cells(**limits: int) -> float:
        validator = Validator(corpus, encoder.description, split="valid", stream_tokens=T, **limits)
        return float(validator.measure(encoder, range(len(validator.tasks)), CPU)[:, COUNT].sum())

    assert cells(max_chunks=2, max_pairs=3) < cells(max_chunks=4, max_pairs=9) < cells()


def test_a_limit_takes_the_first_pairs_and_not_the_shortest(
    encoder: Encoder, corpus: HeldOutData
) -> None:
    """The shortest pairs are the easiest, so their perplexity is not that of the text."""
    pairs = next(iter(corpus.pairs.values()))
    limit, tokens = 5, pair_lengths(pairs)
    usable = np.arange(len(tokens))[1:]
    assert sorted(tokens[1 : 1 + limit]) != sorted(tokens[1:])[:limit]
    (batch,) = masked_pairs(
        pairs, usable, encoder.description, limit=limit, predict_special_tokens=True
    )
    assert batch.attention_mask_BT is not None
    # Each row has </s> around both of its sides.
    assert (batch.attention_mask_BT.sum(1) == np.sort(tokens[1 : 1 + limit])).all()


def test_small_parts_give_the_same_results(
    encoder: Encoder, corpus: HeldOutData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without parts, a causal batch of a real model needs 3 GB for its scores."""
    validator = Validator(
        corpus, encoder.description, split="valid", stream_tokens=T,
        objectives=("clm", "mlm", "tlm"),
    )  # fmt: skip
    every, scores = range(len(validator.tasks)), []

    def predict(states_ND: torch.Tensor) -> torch.Tensor:
        scores.append(len(states_ND))
        return Encoder.predict(encoder, states_ND)

    monkeypatch.setattr(encoder, "predict", predict)
    whole = validator.measure(encoder, every, CPU)
    at_once, largest = len(scores), max(scores)
    scores.clear()
    monkeypatch.setattr(validation, "_MAX_POSITIONS", 3 * T)
    monkeypatch.setattr(validation, "_MAX_SCORES", 5 * encoder.description.vocabulary_size)
    parts = validator.measure(encoder, every, CPU)
    assert max(scores) == 5 < largest
    assert len(scores) > 4 * at_once
    np.testing.assert_array_equal(parts[:, COUNT:], whole[:, COUNT:])
    np.testing.assert_allclose(parts[:, LOSS], whole[:, LOSS], rtol=1e-6)
    assert whole[:, DISTINCT].min() >= 1


def test_states_are_computed_in_the_precision_of_the_run(
    encoder: Encoder, corpus: HeldOutData
) -> None:
    validator = Validator(corpus, encoder.description, split="valid", stream_tokens=T)
    every = range(len(validator.tasks))
    exact = validator.measure(encoder, every, CPU)[:, LOSS]
    half = validator.measure(
        encoder, every, CPU, precision=lambda: torch.autocast("cpu", torch.bfloat16)
    )[:, LOSS]
    assert (exact != half).all()
    np.testing.assert_allclose(half, exact, rtol=2e-2)


def test_a_language_of_special_tokens_alone_has_no_perplexity(
    encoder: Encoder, tmp_path: Path
) -> None:
    ids = np.ones(40, dtype=np.int32)
    corpus = HeldOutData(mono={"en": Lines(ids, np.array([0, 40]))}, pairs={})
    validator = Validator(
        corpus, encoder.description, split="valid", stream_tokens=T, predict_special_tokens=False
    )
    assert validator.metrics(validator.measure(encoder, [0], CPU)) == {}
