"""Modules from a model of any format.

    encoder = encoder_of(read_model(path))

The weights are taken over, not copied, so the model is in memory once. Only weights at uneven
addresses, as safetensors maps them from a file, are copied: on some processors the kernels then add
in another order, and results would depend on the format of the file.
"""

import torch
from torch import nn

from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.ours import CLASSIFIER, EMBEDDINGS, TIED_KEY

_ALIGNMENT_BYTES = 64
"""That of torch's own allocations."""


def encoder_of(model: PortableModel) -> Encoder:
    """The encoder of a model, in evaluation mode, with a head of zero bias if it has none."""
    with torch.device("meta"):
        encoder = Encoder(model.description)
    weights = {
        name: tensor
        for name, tensor in model.with_head().weights.items()
        if not name.startswith(CLASSIFIER)
    }
    _assign(encoder, {**weights, TIED_KEY: weights[EMBEDDINGS]})
    encoder.pred_layer.proj.weight = encoder.embeddings.weight
    return encoder.eval()


def classifier_of(model: PortableModel) -> Classifier:
    """The classifier of a model that has one, in evaluation mode."""
    classifier = Classifier(encoder_of(model))
    own = {
        name.removeprefix(CLASSIFIER): tensor
        for name, tensor in model.weights.items()
        if name.startswith(CLASSIFIER)
    }
    _assign(classifier.linear, own)
    return classifier.eval()


def _assign(module: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    aligned = {name: _aligned(tensor) for name, tensor in weights.items()}
    module.load_state_dict(aligned, strict=True, assign=True)
    module.requires_grad_(False)


def _aligned(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.data_ptr() % _ALIGNMENT_BYTES == 0 else tensor.clone()
