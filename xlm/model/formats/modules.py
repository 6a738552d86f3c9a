"""Modules from a model of any format.

    encoder = encoder_of(read_model(path))

The weights are taken over, not copied, so the model is in memory once.
"""

import torch
from torch import nn

from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.ours import CLASSIFIER, EMBEDDINGS, TIED_KEY


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
    module.load_state_dict(weights, strict=True, assign=True)
    module.requires_grad_(False)
