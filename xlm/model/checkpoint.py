"""Weights on disk: the original's key names in safetensors, and Hugging Face's names for them.

    save_encoder(out, encoder)
    encoder = load_encoder(pretrained)
    to_hugging_face(encoder.state_dict())["transformer.embeddings.weight"]

The tied weight of the prediction head is stored once, as `embeddings.weight`.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from xlm.errors import DataError
from xlm.model.classifier import Classifier
from xlm.model.description import read_description, write_description
from xlm.model.encoder import Encoder

WEIGHTS_FILE = "model.safetensors"
"""File of the weights inside an artifact."""
TIED_KEY = "pred_layer.proj.weight"
"""Shares its storage with the token embeddings."""

_EMBEDDINGS_KEY = "embeddings.weight"
_HEAD = "pred_layer."
_TRANSFORMER = "transformer."
_CLASSIFIER = "proj.1."
_SUMMARY = "sequence_summary.summary."


def encoder_weights(encoder: Encoder) -> dict[str, Tensor]:
    """Every weight once, under the original's names, on the CPU."""
    return {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in encoder.state_dict().items()
        if name != TIED_KEY
    }


def classifier_weights(classifier: Classifier) -> dict[str, Tensor]:
    """The encoder's weights and `proj.1.weight`, `proj.1.bias` of the classifier."""
    own = {
        f"{_CLASSIFIER}{name}": tensor.detach().cpu().contiguous()
        for name, tensor in classifier.linear.state_dict().items()
    }
    return {**encoder_weights(classifier.encoder), **own}


def set_encoder_weights(encoder: Encoder, weights: Mapping[str, Tensor]) -> None:
    """Load weights by the original's names, all of them and nothing else.

    Raises:
        DataError: a weight is missing, unknown or of another shape.
    """
    tied = {**weights, TIED_KEY: weights.get(_EMBEDDINGS_KEY, torch.empty(0))}
    try:
        encoder.load_state_dict(tied, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"weights do not fit the model: {reason}", fix="use its own") from None


def set_classifier_weights(classifier: Classifier, weights: Mapping[str, Tensor]) -> None:
    """Load the encoder's and the classifier's weights.

    Raises:
        DataError: a weight is missing, unknown or of another shape.
    """
    own = {
        name.removeprefix(_CLASSIFIER): tensor
        for name, tensor in weights.items()
        if name.startswith(_CLASSIFIER)
    }
    rest = {name: tensor for name, tensor in weights.items() if not name.startswith(_CLASSIFIER)}
    set_encoder_weights(classifier.encoder, rest)
    try:
        classifier.linear.load_state_dict(own, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"weights do not fit the classifier: {reason}", fix="use its own") from None


def save_encoder(directory: Path, encoder: Encoder) -> None:
    """Write `model.safetensors` and `config.json` of a pretrained encoder."""
    save_file(encoder_weights(encoder), directory / WEIGHTS_FILE)
    write_description(directory, encoder.description)


def load_encoder(directory: Path) -> Encoder:
    """The encoder of a pretrain artifact, or of a finetune artifact without its classifier.

    Raises:
        DataError: files are missing or do not fit each other.
    """
    encoder = Encoder(read_description(directory))
    weights = read_weights(directory)
    set_encoder_weights(
        encoder, {name: t for name, t in weights.items() if not name.startswith(_CLASSIFIER)}
    )
    return encoder


def save_classifier(directory: Path, classifier: Classifier) -> None:
    """Write `model.safetensors` and `config.json` of a fine-tuned classifier."""
    save_file(classifier_weights(classifier), directory / WEIGHTS_FILE)
    write_description(directory, classifier.encoder.description)


def load_classifier(directory: Path) -> Classifier:
    """The classifier of a finetune artifact.

    Raises:
        DataError: files are missing or do not fit each other.
    """
    classifier = Classifier(Encoder(read_description(directory)))
    set_classifier_weights(classifier, read_weights(directory))
    return classifier


def read_weights(directory: Path) -> dict[str, Tensor]:
    """All tensors of an artifact's weight file.

    Raises:
        DataError: it does not exist or is damaged.
    """
    path = directory / WEIGHTS_FILE
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: {error}", fix="rebuild the model artifact") from None
    return weights


def to_hugging_face(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names to those of XLMWithLMHeadModel, or of XLMForSequenceClassification.

    The latter has no prediction head: beside a classifier, ours is left out.
    """
    has_classifier = any(name.startswith(_CLASSIFIER) for name in weights)
    return {
        _to_hugging_face(name): tensor
        for name, tensor in weights.items()
        if not (has_classifier and name.startswith(_HEAD))
    }


def from_hugging_face(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their names to ours; the tied head weight, if stored, is left out."""
    renamed = {_from_hugging_face(name): tensor for name, tensor in weights.items()}
    renamed.pop(TIED_KEY, None)
    return renamed


def _to_hugging_face(name: str) -> str:
    if name.startswith(_CLASSIFIER):
        return _SUMMARY + name.removeprefix(_CLASSIFIER)
    return name if name.startswith(_HEAD) else _TRANSFORMER + name


def _from_hugging_face(name: str) -> str:
    if name.startswith(_SUMMARY):
        return _CLASSIFIER + name.removeprefix(_SUMMARY)
    return name.removeprefix(_TRANSFORMER)
