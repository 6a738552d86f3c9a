"""Our model artifacts: weights by the original's names in safetensors, with `config.json`.

    save_encoder(out, encoder)
    encoder = load_encoder(pretrained)
    to_hugging_face(encoder.state_dict())["transformer.embeddings.weight"]

The tied weight of the prediction head is stored once, as `embeddings.weight`. Hugging Face's names
of the weights are here too.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from xlm.errors import DataError
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription, read_description, write_description

WEIGHTS_FILE = "model.safetensors"
"""The file name of the weights in an artifact."""
TIED_KEY = "pred_layer.proj.weight"
"""The weight that is tied to the token embeddings."""

EMBEDDINGS = "embeddings.weight"
POSITIONS = "position_embeddings.weight"
LANGUAGES = "lang_embeddings.weight"
HEAD = "pred_layer."
HEAD_BIAS = "pred_layer.proj.bias"
CLASSIFIER = "proj.1."
"""Prefix of the classifier's linear layer, which follows a dropout in `proj`."""

_TRANSFORMER = "transformer."
_SUMMARY = "sequence_summary.summary."


def encoder_weights(encoder: Encoder) -> dict[str, Tensor]:
    """Every weight once, by the original's names, on the CPU."""
    return {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in encoder.state_dict().items()
        if name != TIED_KEY
    }


def classifier_weights(classifier: Classifier) -> dict[str, Tensor]:
    """The encoder's weights, and `proj.1.weight` and `proj.1.bias` of the classifier."""
    own = {
        f"{CLASSIFIER}{name}": tensor.detach().cpu().contiguous()
        for name, tensor in classifier.linear.state_dict().items()
    }
    return {**encoder_weights(classifier.encoder), **own}


def set_encoder_weights(encoder: Encoder, weights: Mapping[str, Tensor]) -> None:
    """Load a complete set of weights by the original's names.

    Raises:
        DataError: a weight is missing or unknown, or a shape differs.
    """
    tied = {**weights, TIED_KEY: weights.get(EMBEDDINGS, torch.empty(0))}
    try:
        encoder.load_state_dict(tied, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"weights do not fit the model: {reason}", fix="use the weights of the same model"
        ) from None


def set_classifier_weights(classifier: Classifier, weights: Mapping[str, Tensor]) -> None:
    """Load the encoder's and the classifier's weights.

    Raises:
        DataError: a weight is missing or unknown, or a shape differs.
    """
    own = {
        name.removeprefix(CLASSIFIER): tensor
        for name, tensor in weights.items()
        if name.startswith(CLASSIFIER)
    }
    rest = {name: tensor for name, tensor in weights.items() if not name.startswith(CLASSIFIER)}
    set_encoder_weights(classifier.encoder, rest)
    try:
        classifier.linear.load_state_dict(own, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"weights do not fit the classifier: {reason}", fix="use the weights of the same model"
        ) from None


def save_weights(
    directory: Path, description: ModelDescription, weights: Mapping[str, Tensor]
) -> None:
    """Write `model.safetensors` and `config.json` of a model."""
    _write_weights(directory / WEIGHTS_FILE, weights)
    write_description(directory, description)


def save_encoder(directory: Path, encoder: Encoder) -> None:
    """Write `model.safetensors` and `config.json` of a pretrained encoder."""
    save_weights(directory, encoder.description, encoder_weights(encoder))


def save_encoder_weights(path: Path, encoder: Encoder) -> None:
    """Write the weights of a pretrained encoder to a file, as `save_encoder` does."""
    _write_weights(path, encoder_weights(encoder))


def _write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    save_file(dict(weights), path)
    path.chmod(0o644)  # safetensors makes the file private


def load_encoder(directory: Path, file: str = WEIGHTS_FILE) -> Encoder:
    """Load the encoder of a pretrain or finetune artifact; `file` may name earlier weights of it.

    Raises:
        DataError: files are missing, damaged or inconsistent.
    """
    encoder = Encoder(read_description(directory))
    weights = read_weights(directory, file)
    set_encoder_weights(
        encoder, {name: t for name, t in weights.items() if not name.startswith(CLASSIFIER)}
    )
    return encoder


def save_classifier(directory: Path, classifier: Classifier) -> None:
    """Write `model.safetensors` and `config.json` of a fine-tuned classifier."""
    save_weights(directory, classifier.description, classifier_weights(classifier))


def load_classifier(directory: Path) -> Classifier:
    """Load the classifier of a finetune or select artifact.

    Raises:
        DataError: files are missing, damaged or inconsistent.
    """
    classifier = Classifier(Encoder(read_description(directory)))
    set_classifier_weights(classifier, read_weights(directory))
    return classifier


def read_weights(directory: Path, file: str = WEIGHTS_FILE) -> dict[str, Tensor]:
    """Read all tensors of one of an artifact's weight files.

    Raises:
        DataError: the file does not exist or is damaged.
    """
    path = directory / file
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: {error}", fix="rebuild the model artifact") from None
    return weights


def to_hugging_face(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights to those of XLMWithLMHeadModel or XLMForSequenceClassification.

    The latter has no prediction head, so a classifier's head is dropped.
    """
    has_classifier = any(name.startswith(CLASSIFIER) for name in weights)
    return {
        _to_hugging_face(name): tensor
        for name, tensor in weights.items()
        if not (has_classifier and name.startswith(HEAD))
    }


def from_hugging_face(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename transformers' weights to ours; the names of XLMModel have no prefix."""
    return {_from_hugging_face(name): tensor for name, tensor in weights.items()}


def _to_hugging_face(name: str) -> str:
    if name.startswith(CLASSIFIER):
        return _SUMMARY + name.removeprefix(CLASSIFIER)
    return name if name.startswith(HEAD) else _TRANSFORMER + name


def _from_hugging_face(name: str) -> str:
    if name.startswith(_SUMMARY):
        return CLASSIFIER + name.removeprefix(_SUMMARY)
    return name.removeprefix(_TRANSFORMER)
