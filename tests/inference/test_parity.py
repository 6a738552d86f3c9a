"""Results equal those of transformers for the same ids, in all 15 languages at once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import XLMForSequenceClassification, XLMModel, XLMWithLMHeadModel

from tests.inference.small_models import LANGUAGES, TEXTS
from xlm.bpe.vocabulary import EOS, MASK, PAD
from xlm.inference.model import Model
from xlm.inference.text import Ids

TOLERANCE = 1e-5
BOTH = [text for pair in TEXTS.values() for text in pair]
"""Two texts in each language, of different lengths."""
CODES = [code for code in LANGUAGES for _ in range(2)]


def padded(rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """The arguments of transformers for rows of two texts in each language, or of one."""
    width = max(map(len, rows))
    tokens_BT = torch.tensor([[*row, *[PAD] * (width - len(row))] for row in rows])
    languages = torch.arange(len(LANGUAGES)).repeat_interleave(len(rows) // len(LANGUAGES))
    return {
        "input_ids": tokens_BT,
        "langs": languages[:, None].expand_as(tokens_BT),
        "attention_mask": (tokens_BT != PAD).long(),
    }


def enclosed(ids: Sequence[Ids]) -> list[list[int]]:
    return [[EOS, *one.tolist(), EOS] for one in ids]


@torch.no_grad()
def test_predictions_are_those_of_transformers(model: Model, release: Path) -> None:
    theirs = XLMForSequenceClassification.from_pretrained(release / "classifier").eval()
    first, second = ([texts[side] for texts in TEXTS.values()] for side in (0, 1))
    rows = [
        [EOS, *premise.tolist(), EOS, *hypothesis.tolist(), EOS]
        for premise, hypothesis in zip(
            model.encode(first, language=LANGUAGES),
            model.encode(second, language=LANGUAGES),
            strict=True,
        )
    ]
    shares_N3 = theirs(**padded(rows)).logits.softmax(-1).numpy()
    found = model.predict(first, second, language=LANGUAGES)
    ours_N3 = np.array([list(one.probabilities.values()) for one in found])
    np.testing.assert_allclose(ours_N3, shares_N3, atol=TOLERANCE)
    assert shares_N3.std() > 0.01
    named = [theirs.config.id2label[number] for number in shares_N3.argmax(1).tolist()]
    assert [one.label for one in found] == named


@torch.no_grad()
def test_masked_words_are_those_of_transformers(model: Model, release: Path) -> None:
    theirs = XLMWithLMHeadModel.from_pretrained(release / "masked-lm").eval()
    texts = [f"<mask> {text[:6]}<mask>{text[6:]}" for text in BOTH]
    ids = model.encode(texts, language=CODES)
    batch = padded(enclosed(ids))
    shares_NTV = theirs(**batch).logits.softmax(-1)
    found = model.fill_mask(texts, language=CODES, top=4)
    for row_T, shares_TV, masks in zip(batch["input_ids"], shares_NTV, found, strict=True):
        best = shares_TV[row_T == MASK].topk(4)
        assert best.indices.tolist() == [[one.token_id for one in mask] for mask in masks]
        ours = [[one.probability for one in mask] for mask in masks]
        np.testing.assert_allclose(ours, best.values.numpy(), atol=TOLERANCE)
        assert len(masks) == 2
        assert masks[0][0].token == model.vocabulary.token(masks[0][0].token_id)


@torch.no_grad()
@pytest.mark.parametrize("layer", [0, 1, 2, 3, -1, -2, -4])
def test_vectors_are_those_of_transformers(model: Model, release: Path, layer: int) -> None:
    theirs = XLMModel.from_pretrained(release / "masked-lm").eval()
    batch = padded(enclosed(model.encode(BOTH, language=CODES)))
    states_BTD = theirs(**batch, output_hidden_states=True).hidden_states[layer]
    mask_BT1 = batch["attention_mask"][:, :, None]
    expected = {
        "first": states_BTD[:, 0],
        "mean": (states_BTD * mask_BT1).sum(1) / mask_BT1.sum(1),
    }
    for pooling, vectors_ND in expected.items():
        ours_ND = model.embed(BOTH, language=CODES, pooling=pooling, layer=layer)  # type: ignore[arg-type]
        assert ours_ND.dtype == np.float32
        np.testing.assert_allclose(ours_ND, vectors_ND.numpy(), atol=TOLERANCE * 10)


@torch.no_grad()
def test_perplexity_is_that_of_transformers_for_each_token_masked_once(
    model: Model, release: Path
) -> None:
    theirs = XLMWithLMHeadModel.from_pretrained(release / "masked-lm").eval()
    found = model.perplexity(BOTH, language=CODES)
    rows = enclosed(model.encode(BOTH, language=CODES))
    batch = padded(rows)
    losses: list[list[float]] = [[] for _ in rows]
    for first in range(7):
        tokens_BT = batch["input_ids"].clone()
        chosen_BT = torch.zeros_like(tokens_BT, dtype=torch.bool)
        for number, row in enumerate(rows):
            chosen_BT[number, 1 + first : len(row) - 1 : 7] = True
        tokens_BT[chosen_BT] = MASK
        scores_BTV = theirs(**{**batch, "input_ids": tokens_BT}).logits.log_softmax(-1)
        for number, column in chosen_BT.nonzero().tolist():
            target = batch["input_ids"][number, column]
            losses[number].append(-scores_BTV[number, column, target].item())
    of_texts = [np.exp(np.mean(one)) for one in losses]
    np.testing.assert_allclose(found.of_texts, of_texts, rtol=1e-4)
    everything = [loss for one in losses for loss in one]
    assert found.value == pytest.approx(np.exp(np.mean(everything)), rel=1e-4)
    assert (found.tokens, found.unknown) == (len(everything), 0)
