"""Our models as Hugging Face folders: transformers computes what we compute."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import XLMForSequenceClassification, XLMWithLMHeadModel

from xlm.config.languages.pairs import XNLI_LANGUAGES as LANGUAGE_TABLE
from xlm.config.training.model import ModelConfig
from xlm.model.classifier import Classifier
from xlm.model.encoder import PAD, Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.folder import write_classifier, write_masked_lm
from xlm.model.initialise import initialise

XNLI_LANGUAGES = tuple(LANGUAGE_TABLE)
WORDS = 90
TOLERANCE = 1e-4


def _encoder(languages: Sequence[str] = XNLI_LANGUAGES, *, causal: bool = False) -> Encoder:
    model = ModelConfig(layers=2, dimension=32, heads=4, max_positions=40)
    encoder = Encoder(
        ModelDescription(
            model=model,
            languages=tuple(languages),
            vocabulary_size=WORDS,
            vocabulary_hash="0" * 64,
            causal=causal,
        )
    )
    initialise(encoder, seed=3)
    with torch.no_grad():
        encoder.embeddings.weight.mul_(6)  # spread the scores, so that a difference would show
    return encoder.eval()


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One TLM row for each language: languages change and positions restart; with padding."""
    generator = torch.Generator().manual_seed(0)
    rows, length = len(XNLI_LANGUAGES), 20
    tokens_BT = torch.randint(14, WORDS, (rows, length), generator=generator)
    for row in range(rows):
        tokens_BT[row, length - row % 6 :] = PAD
    languages_BT = torch.arange(rows)[:, None].repeat(1, length)
    languages_BT[:, 10:] = 4
    positions_BT = (torch.arange(length) % 10)[None].repeat(rows, 1)
    return tokens_BT, languages_BT, positions_BT


def test_masked_lm_gives_our_logits_for_tlm_batches_with_padding(tmp_path: Path) -> None:
    encoder = _encoder()
    counts = write_masked_lm(tmp_path, encoder)
    model, report = XLMWithLMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    tokens_BT, languages_BT, positions_BT = _batch()
    with torch.no_grad():
        hidden_BTD = encoder(tokens_BT, languages_BT, positions_BT, tokens_BT != PAD)
        ours = encoder.predict(hidden_BTD)
        theirs = model(
            input_ids=tokens_BT,
            langs=languages_BT,
            position_ids=positions_BT,
            attention_mask=(tokens_BT != PAD).long(),
        ).logits
    assert (ours - theirs)[tokens_BT != PAD].abs().max() < TOLERANCE
    assert ours.std() > 1
    assert counts["parameters"] == sum(parameter.numel() for parameter in model.parameters())


def test_a_causal_model_gives_our_logits(tmp_path: Path) -> None:
    """Without `causal` in its config, each position would attend to what it predicts."""
    encoder = _encoder(causal=True)
    write_masked_lm(tmp_path, encoder)
    theirs = XLMWithLMHeadModel.from_pretrained(tmp_path).eval()
    tokens_BT = torch.randint(14, encoder.description.vocabulary_size, (3, 12))
    languages_BT = torch.full_like(tokens_BT, 4)
    with torch.inference_mode():
        expected_BTV = theirs(tokens_BT, langs=languages_BT).logits
        hidden_BTD = encoder(tokens_BT, languages_BT, causal=True)
        found_BTV = encoder.predict(hidden_BTD)
        sees_all_BTV = encoder.predict(encoder(tokens_BT, languages_BT))
    torch.testing.assert_close(found_BTV, expected_BTV, atol=1e-4, rtol=0)
    assert (sees_all_BTV - expected_BTV).abs().max() > 1e-2


@pytest.mark.parametrize("causal", [False, True])
def test_classifier_gives_our_logits_and_names_the_labels(tmp_path: Path, causal: bool) -> None:
    """Also for a causal encoder: a causal classifier would give every input the same answer."""
    classifier = Classifier(_encoder(causal=causal))
    classifier.initialise(seed=1)
    classifier.eval()
    write_classifier(tmp_path, classifier)
    model, report = XLMForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    tokens_BT, languages_BT, _ = _batch()
    with torch.no_grad():
        ours = classifier(tokens_BT, languages_BT, tokens_BT != PAD)
        theirs = model(
            input_ids=tokens_BT, langs=languages_BT, attention_mask=(tokens_BT != PAD).long()
        ).logits
    assert (ours - theirs).abs().max() < TOLERANCE
    assert model.config.id2label == {0: "contradiction", 1: "neutral", 2: "entailment"}
    assert model.config.summary_first_dropout == 0


def test_tied_weight_is_stored_once_and_round_trips(tmp_path: Path) -> None:
    write_masked_lm(tmp_path / "ours", _encoder())
    model = XLMWithLMHeadModel.from_pretrained(tmp_path / "ours")
    model.save_pretrained(tmp_path / "theirs")
    with (
        safe_open(tmp_path / "ours/model.safetensors", "pt") as ours,
        safe_open(tmp_path / "theirs/model.safetensors", "pt") as theirs,
    ):
        assert set(ours.keys()) == set(theirs.keys())
        assert "pred_layer.proj.weight" not in set(ours.keys())
        for name in ours.keys():  # noqa: SIM118  a safetensors file is not a mapping
            assert torch.equal(ours.get_tensor(name), theirs.get_tensor(name))


def test_config_has_the_reference_keys_and_values(tmp_path: Path, shared: Path) -> None:
    write_masked_lm(tmp_path, _encoder())
    config = json.loads((tmp_path / "config.json").read_text())
    reference = json.loads((shared / "golden/config.reference.json").read_text())
    sizes = {"emb_dim", "n_layers", "n_heads", "vocab_size", "n_words", "max_position_embeddings"}
    for key, value in reference.items():
        if key != "_note":
            assert key in config
            assert key in sizes or config[key] == value, key


@pytest.mark.parametrize("languages", [("en",), ("de", "sw")])
def test_models_of_fewer_languages_load(tmp_path: Path, languages: tuple[str, ...]) -> None:
    encoder = _encoder(languages)
    write_masked_lm(tmp_path, encoder)
    model, report = XLMWithLMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    assert model.config.lang2id == dict(zip(languages, range(len(languages)), strict=True))
    tokens_BT = torch.tensor([[1, 20, 30, 1]])
    with torch.no_grad():
        ours = encoder.predict(encoder(tokens_BT, torch.zeros_like(tokens_BT)))
        theirs = model(input_ids=tokens_BT, langs=torch.zeros_like(tokens_BT)).logits
    assert (ours - theirs).abs().max() < TOLERANCE


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_masked_lm(tmp_path / name, _encoder())
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
