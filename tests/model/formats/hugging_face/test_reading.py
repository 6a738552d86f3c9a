"""transformers' models as ours, bit for bit; damaged folders are refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import XLMConfig, XLMForSequenceClassification, XLMModel, XLMWithLMHeadModel

from tests.model.formats.portable_models import small_model, small_vocabulary
from xlm.errors import DataError
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.hugging_face.folder import read_hugging_face, write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json
from xlm.model.formats.ours import set_encoder_weights

WORDS = 90
TOLERANCE = 1e-4


def _assert_same(found: PortableModel, expected: PortableModel) -> None:
    assert found.description == expected.description
    assert found.weights.keys() == expected.weights.keys()
    for name, tensor in expected.weights.items():
        assert torch.equal(found.weights[name], tensor), name


def _saved_by_transformers(model: PortableModel, folder: Path, kind: type, **options: Any) -> Path:
    write_hugging_face(folder / "ours", model)
    theirs = kind.from_pretrained(folder / "ours")  # type: ignore[attr-defined]
    theirs.save_pretrained(folder / "theirs", **options)
    assert model.vocabulary is not None
    write_vocab_json(folder / "theirs", model.vocabulary.tokens)
    return folder / "theirs"


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("options", [{}, {"max_shard_size": "3KB"}])
def test_models_saved_by_transformers_are_read_bit_for_bit(
    tmp_path: Path, options: dict[str, str], causal: bool
) -> None:
    model = small_model(causal=causal)
    folder = _saved_by_transformers(model, tmp_path, XLMWithLMHeadModel, **options)
    assert (folder / "model.safetensors.index.json").exists() is bool(options)
    found = read_hugging_face(folder)
    _assert_same(found, model)
    assert found.vocabulary is not None
    assert found.vocabulary.tokens == small_vocabulary().tokens
    assert set(found.vocabulary.token_counts) == {0}


def test_a_classifier_of_transformers_is_read_without_a_head(tmp_path: Path) -> None:
    model = small_model(classifier=True)
    folder = _saved_by_transformers(model, tmp_path, XLMForSequenceClassification)
    found = read_hugging_face(folder)
    without = {n: t for n, t in model.weights.items() if n != "pred_layer.proj.bias"}
    _assert_same(found, replace(model, weights=without))
    assert found.is_classifier


def test_a_bare_model_of_transformers_is_read_without_a_head(tmp_path: Path) -> None:
    model = small_model(languages=("en",))
    found = read_hugging_face(_saved_by_transformers(model, tmp_path, XLMModel))
    without = {n: t for n, t in model.weights.items() if n != "pred_layer.proj.bias"}
    _assert_same(found, replace(model, weights=without))


@pytest.mark.parametrize("sharded", [False, True])
def test_pickled_weights_are_read(tmp_path: Path, sharded: bool) -> None:
    model = small_model()
    write_hugging_face(tmp_path, model)
    stored = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    # As transformers 2 to 4 wrote them: the tied weight twice, and a buffer of positions.
    stored["pred_layer.proj.weight"] = stored["transformer.embeddings.weight"]
    stored["transformer.position_ids"] = torch.arange(24)[None]
    if sharded:
        names = {name: f"part-{number % 2}.bin" for number, name in enumerate(stored)}
        for part in ("part-0.bin", "part-1.bin"):
            torch.save({n: t for n, t in stored.items() if names[n] == part}, tmp_path / part)
        index = json.dumps({"metadata": {}, "weight_map": names})
        (tmp_path / "pytorch_model.bin.index.json").write_text(index)
    else:
        torch.save(stored, tmp_path / "pytorch_model.bin")
    _assert_same(
        read_hugging_face(tmp_path),
        replace(model, description=model.description.model_copy(update={"vocabulary_hash": ""})),
    )


def test_pickled_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    write_hugging_face(tmp_path, small_model())
    (tmp_path / "model.safetensors").unlink()

    class Runs:
        def __reduce__(self) -> Any:
            return exec, ("raise SystemExit",)

    torch.save({"transformer.embeddings.weight": Runs()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model\.bin uses builtins\.exec"):
        read_hugging_face(tmp_path)


def test_missing_language_embeddings_become_zeros_and_sinusoids_a_table(tmp_path: Path) -> None:
    """A transformers model without language embeddings gives the same states here."""
    torch.manual_seed(0)
    config = XLMConfig(
        vocab_size=WORDS, emb_dim=16, n_layers=2, n_heads=4, n_langs=3, use_lang_emb=False,
        sinusoidal_embeddings=True, max_position_embeddings=24, lang2id={"en": 0, "fr": 1, "sw": 2},
    )  # fmt: skip
    theirs = XLMWithLMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path)
    found = read_hugging_face(tmp_path)
    assert len(found.notes) == 2
    encoder = Encoder(found.description).eval()
    set_encoder_weights(encoder, found.weights)
    tokens_BT = torch.tensor([[1, 20, 30, 60, 1]])
    with torch.no_grad():
        ours = encoder.predict(encoder(tokens_BT, torch.full_like(tokens_BT, 2)))
        expected = theirs(input_ids=tokens_BT, langs=torch.full_like(tokens_BT, 2)).logits
    assert (ours - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "vocab.json"])
def test_damaged_folders_are_refused_in_one_line(tmp_path: Path, file: str) -> None:
    model = small_model()
    assert model.vocabulary is not None
    write_hugging_face(tmp_path, model)
    write_vocab_json(tmp_path, model.vocabulary.tokens)
    path = tmp_path / file
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError) as caught:
        read_hugging_face(tmp_path)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)
