"""The XNLI classifier: the first state of the last layer, dropout, one linear layer.

    logits_B3 = classifier(tokens_BT, languages_BT, real_BT=tokens_BT != PAD)

The original's keys of the layer are `1.weight` and `1.bias` behind a dropout; ours are `proj.1.*`.
Places attend both ways, whatever the encoder was trained by. The last layer computes
the first state only: no other is looked at.
"""

import torch
from torch import Tensor, nn

from xlm.model.encoder import Encoder
from xlm.model.initialise import initialise_linear
from xlm.model.positions import ask_first, pack

LABELS = ("contradiction", "neutral", "entailment")
"""Class names in the order of their ids (reference xlm-spec 5)."""


class Classifier(nn.Module):
    """An encoder and a projection of its first state; no tanh, no pooler."""

    def __init__(self, encoder: Encoder, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.description = encoder.description.of_classifier()
        self.linear = nn.Linear(encoder.description.model.dimension, len(LABELS))
        self.proj = nn.Sequential(nn.Dropout(dropout), self.linear)

    def initialise(self, seed: int) -> None:
        """Set the projection's starting weights."""
        initialise_linear(self.linear, torch.Generator().manual_seed(seed))

    def forward(self, tokens_BT: Tensor, languages_BT: Tensor, real_BT: Tensor) -> Tensor:
        """Scores of the three classes, (B, 3); positions run on over both sentences.

        Every row begins with a token; padding follows its last one.
        """
        places = pack(tokens_BT, languages_BT, real_BT=real_BT)
        logits_B3: Tensor = self.proj(self.encoder.states(places, ask_first(places)))
        return logits_B3
