"""The settings in config.json: those that we cannot follow are refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import XLMModel

from tests.model.formats.portable_models import small_model
from xlm.errors import DataError
from xlm.model.formats.hugging_face.folder import read_hugging_face, write_hugging_face
from xlm.model.formats.original import read_original, write_original


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
