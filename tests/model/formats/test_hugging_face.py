"""Hugging Face folders: our models in transformers, and transformers' models here."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import (
    XLMConfig,
    XLMForSequenceClassification,
    XLMModel,
    XLMWithLMHeadModel,
)
from transformers.utils import logging as transformers_logging

from tests.model.formats.portable_models import small_model, small_vocabulary
from xlm.bpe.vocabulary import SPECIAL_TOKENS, write_vocabulary
from xlm.config.languages.pairs import XNLI_LANGUAGES as LANGUAGE_TABLE
from xlm.config.training.model import ModelConfig
from xlm.errors import DataError
from xlm.model.classifier import Classifier
from xlm.model.encoder import PAD, Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.folder import (
    read_hugging_face,
    write_classifier,
    write_hugging_face,
    write_masked_lm,
)
from xlm.model.formats.hugging_face.vocab_json import read_vocab_json, write_vocab_json
from xlm.model.formats.original import read_original, write_original
from xlm.model.formats.ours import set_encoder_weights
from xlm.model.initialise import initialise

XNLI_LANGUAGES = tuple(LANGUAGE_TABLE)
WORDS = 90
TOLERANCE = 1e-4

transformers_logging.disable_progress_bar()


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


def test_our_vocabulary_next_to_vocab_json_keeps_counts_and_merges(tmp_path: Path) -> None:
    model = small_model(codes_hash="ab" * 32)
    assert model.vocabulary is not None
    write_hugging_face(tmp_path, model)
    write_vocabulary(model.vocabulary, tmp_path)
    assert read_hugging_face(tmp_path).vocabulary == model.vocabulary
    write_vocab_json(tmp_path, model.vocabulary.tokens[::-1])
    with pytest.raises(DataError, match=r"vocab\.json and vocabulary\.json differ"):
        read_hugging_face(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"asm": True}, "adaptive softmax (asm)"),
        ({"gelu_activation": False}, "ReLU"),
        ({"causal": "no"}, 'causal is "no", not true or false'),
        ({"is_encoder": False}, "is_encoder is false, not true"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps is 1e-05, not 1e-12"),
        ({"model_type": "bert"}, 'model_type is "bert", not "xlm"'),
        ({"lang2id": {}, "id2lang": {}}, "lists no languages"),
        ({"lang2id": {"en": 0}}, "id2lang and lang2id differ"),
        ({"n_langs": 2}, "n_langs is 2"),
        ({"n_layers": 5}, "n_layers is 5, but there are weights of 2 layers"),
        ({"n_words": 20, "vocab_size": 20}, "n_words is 20, but embeddings.weight has 24 rows"),
        ({"n_heads": 5}, ": 5 heads do not divide"),
        ({"n_heads": "many"}, "heads: 'many' is not a whole number"),
        ({"pad_index": 0}, "pad_index is 0, not 2"),
    ],
)
def test_other_configurations_are_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    write_hugging_face(tmp_path, small_model())
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DataError) as caught:
        read_hugging_face(tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_causal_by_the_setting_that_transformers_uses(tmp_path: Path) -> None:
    """transformers' conversion copies `clm_steps`, which XLMModel ignores (spec 6.1)."""
    write_hugging_face(tmp_path, small_model())
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    del config["causal"]
    path.write_text(json.dumps(config | {"clm_steps": [["en", None]], "mlm_steps": []}))
    assert XLMModel.from_pretrained(tmp_path).causal is False
    assert not read_hugging_face(tmp_path).description.causal


@pytest.mark.parametrize(
    "changes",
    [
        {"id2label": {"0": "yes", "1": "yes", "2": "no"}},
        {"id2label": {"1": "yes", "2": "no", "3": "maybe"}},
        {"id2label": None},
        {"summary_type": "mean"},
        {"summary_activation": "tanh"},
        {"causal": True},
    ],
)
def test_classifiers_with_unclear_labels_or_other_pooling_are_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    write_hugging_face(tmp_path, small_model(classifier=True))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DataError, match=next(iter(changes))):
        read_hugging_face(tmp_path)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), ("entailment", "neutral", "contradiction")),
        (("LABEL_0", "LABEL_1", "LABEL_2"), ("LABEL_0", "LABEL_1", "LABEL_2")),
    ],
)
def test_labels_keep_their_names_and_order(
    tmp_path: Path, names: tuple[str, ...], labels: tuple[str, ...]
) -> None:
    """Numbers alone do not distinguish contradiction from entailment."""
    write_hugging_face(tmp_path / "theirs", small_model(classifier=True))
    path = tmp_path / "theirs/config.json"
    named = {"id2label": {str(number): name for number, name in enumerate(names)}}
    path.write_text(json.dumps(json.loads(path.read_text()) | named))
    model = read_hugging_face(tmp_path / "theirs")
    assert model.description.labels == labels
    write_hugging_face(tmp_path / "again", model)
    assert read_hugging_face(tmp_path / "again").description == model.description


@pytest.mark.parametrize("sentences", [1, 2])
def test_the_sentences_of_a_row_are_kept(tmp_path: Path, sentences: int) -> None:
    model = small_model(classifier=True)
    description = model.description.of_classifier(("a", "b", "c"), sentences)
    model = replace(model, description=description)
    write_hugging_face(tmp_path / "theirs", model)
    write_original(tmp_path / "model.pth", model)
    assert read_hugging_face(tmp_path / "theirs").description.sentences == sentences
    assert read_original(tmp_path / "model.pth").description.sentences == sentences


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


@pytest.mark.parametrize(
    "ids", [{"<s>": 0, "</s>": 2}, {"<s>": 0, "a": 0}, {"<s>": "0"}, {"<s>": [0]}]
)
def test_a_vocab_json_with_missing_ids_is_refused(tmp_path: Path, ids: dict[str, object]) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps(ids))
    with pytest.raises(DataError, match="no token has id"):
        read_vocab_json(tmp_path / "vocab.json")


tokens = st.lists(
    st.text("ab@é</w>", min_size=1, max_size=6).filter(
        # The format has no escape for a literal end-of-word mark.
        lambda token: not token.endswith("</w>@@")
    ),
    unique=True,
    max_size=12,
)


@settings(deadline=None)
@given(tokens)
def test_a_vocab_json_gives_our_tokens_back(words: list[str]) -> None:
    """The bare `@@` becomes the empty string, and `@@` again."""
    known = [*SPECIAL_TOKENS, *words, *["@@"] * ("@@" not in words)]
    with TemporaryDirectory() as folder:
        write_vocab_json(Path(folder), known)
        assert read_vocab_json(Path(folder) / "vocab.json").tokens == tuple(known)
