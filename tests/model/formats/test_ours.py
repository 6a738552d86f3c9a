"""Our model artifacts: round trips and errors."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from xlm.config.data.tasks import XNLI_LABELS
from xlm.errors import DataError, TrainingError
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription, read_description, write_description
from xlm.model.formats.ours import (
    classifier_weights,
    encoder_weights,
    from_hugging_face,
    load_classifier,
    load_encoder,
    save_classifier,
    save_encoder,
    set_classifier_weights,
    set_encoder_weights,
    to_hugging_face,
)
from xlm.model.formats.sources import read_model
from xlm.model.initialise import initialise

Describe = Callable[..., ModelDescription]


@pytest.fixture
def encoder(describe: Describe) -> Encoder:
    encoder = Encoder(describe())
    initialise(encoder, seed=1)
    return encoder


def test_an_encoder_round_trips_bit_for_bit(encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(tmp_path, encoder)
    again = load_encoder(tmp_path)
    assert again.description == encoder.description
    assert all(map(torch.equal, again.state_dict().values(), encoder.state_dict().values()))
    assert again.pred_layer.proj.weight is again.embeddings.weight
    assert "pred_layer.proj.weight" not in load_file(tmp_path / "model.safetensors")


def test_equal_weights_give_equal_bytes(encoder: Encoder, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_encoder(tmp_path / name, encoder)
    for file in ("model.safetensors", "config.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_classifier_and_its_encoder_round_trip(encoder: Encoder, tmp_path: Path) -> None:
    classifier = Classifier(encoder)
    classifier.initialise(seed=2)
    save_classifier(tmp_path, classifier)
    again = load_classifier(tmp_path)
    assert torch.equal(again.linear.weight, classifier.linear.weight)
    assert torch.equal(load_encoder(tmp_path).embeddings.weight, encoder.embeddings.weight)


@pytest.mark.parametrize("causal", [False, True])
def test_only_causal_models_have_the_setting_in_their_file(
    describe: Describe, tmp_path: Path, causal: bool
) -> None:
    """Other files keep the bytes from before the setting, and older files stay readable."""
    description = describe().model_copy(update={"causal": causal})
    write_description(tmp_path, description)
    content = json.loads((tmp_path / "config.json").read_text())
    assert content.get("causal") is (True if causal else None)
    assert read_description(tmp_path) == description


@pytest.mark.parametrize(
    ("labels", "sentences", "recorded"),
    [(XNLI_LABELS, 2, None), (XNLI_LABELS, 1, 1), (("bad", "good"), 2, 2), (("bad", "good"), 1, 1)],
)
def test_a_classifier_records_the_sentences_of_a_row(
    describe: Describe,
    tmp_path: Path,
    labels: tuple[str, ...],
    sentences: int,
    recorded: int | None,
) -> None:
    """Pairs with the labels of XNLI keep the bytes from before the setting."""
    description = describe().of_classifier(labels, sentences)
    write_description(tmp_path, description)
    assert json.loads((tmp_path / "config.json").read_text()).get("sentences") == recorded
    assert read_description(tmp_path).row_sentences == sentences


def test_a_classifier_of_a_causal_encoder_is_not_causal(describe: Describe, tmp_path: Path) -> None:
    encoder = Encoder(describe().model_copy(update={"causal": True}))
    initialise(encoder, seed=1)
    classifier = Classifier(encoder).eval()
    classifier.initialise(seed=2)
    save_classifier(tmp_path, classifier)
    assert not read_description(tmp_path).causal
    first, second = (
        classifier(tokens, torch.zeros_like(tokens), torch.ones_like(tokens, dtype=torch.bool))
        for tokens in (torch.tensor([[1, 20, 1]]), torch.tensor([[1, 30, 1]]))
    )
    assert not torch.equal(first, second)
    write_description(tmp_path, encoder.description)
    with pytest.raises(DataError, match="causal is true, but it is a classifier"):
        read_model(tmp_path)


def test_hugging_face_names_round_trip(encoder: Encoder) -> None:
    ours = encoder_weights(encoder)
    theirs = to_hugging_face(ours)
    assert "transformer.attentions.0.q_lin.weight" in theirs
    assert "pred_layer.proj.bias" in theirs
    back = from_hugging_face(theirs)
    assert back.keys() == ours.keys()
    assert all(back[name] is ours[name] for name in ours)


def test_hugging_face_classifier_has_no_prediction_head(encoder: Encoder) -> None:
    ours = classifier_weights(Classifier(encoder))
    theirs = to_hugging_face(ours)
    assert "sequence_summary.summary.weight" in theirs
    assert from_hugging_face(theirs).keys() == ours.keys() - {"pred_layer.proj.bias"}


def test_missing_weights_and_other_shapes_are_refused(encoder: Encoder, describe: Describe) -> None:
    weights = encoder_weights(encoder)
    small = Encoder(describe(vocabulary_size=40))
    with pytest.raises(DataError, match=r"size mismatch for embeddings\.weight"):
        set_encoder_weights(small, weights)
    with pytest.raises(DataError, match="Missing key"):
        set_classifier_weights(Classifier(encoder), weights)


def test_missing_and_damaged_files_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json does not exist"):
        load_encoder(tmp_path)
    save_encoder(tmp_path, encoder)
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(DataError, match=r"model\.safetensors"):
        load_encoder(tmp_path)
    (tmp_path / "config.json").write_text('{"languages": []}', encoding="utf-8")
    with pytest.raises(DataError, match=r"config\.json: model: field required"):
        load_encoder(tmp_path)


def test_another_vocabulary_and_an_unknown_language_are_refused(describe: Describe) -> None:
    """XLM issues 165, 231, 310: ids of another vocabulary gave an untrained model's perplexity."""
    description = describe()
    description.require_vocabulary("0123456789abcdef", "shards of sw")
    with pytest.raises(
        TrainingError, match="shards of sw has vocabulary fedcba, but the model has 012345"
    ):
        description.require_vocabulary("fedcba", "shards of sw")
    assert description.language_id("sw") == 9
    with pytest.raises(TrainingError, match="not xx"):
        description.language_id("xx")
