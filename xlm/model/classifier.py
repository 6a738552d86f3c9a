"""The classifier: the last state of a row's first token, dropout, one linear layer.

    logits_BC = classifier(tokens_BT, languages_BT, attention_mask_BT=tokens_BT != PAD)

The linear layer is `proj.1.*`; the original's file names it `1.*`, because a dropout precedes it.
Attention is bidirectional even if the encoder was trained causally. The last layer computes only
the states of the first tokens.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlm.model.encoder import Encoder
from xlm.model.initialise import initialise_linear
from xlm.model.packing import pack, select_first


class Classifier(nn.Module):
    """An encoder and a projection of its first state, without tanh or pooler.

    Args:
        encoder: the encoder; its description names the labels unless `labels` does.
        dropout: probability of dropout before the projection.
        labels: label names in the order of their ids, C of them.
    """

    def __init__(
        self, encoder: Encoder, dropout: float = 0.0, labels: Sequence[str] | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.description = encoder.description.of_classifier(labels)
        self.linear = nn.Linear(encoder.description.model.dimension, len(self.description.labels))
        self.proj = nn.Sequential(nn.Dropout(dropout), self.linear)

    def initialise(self, seed: int) -> None:
        """Initialise the projection."""
        initialise_linear(self.linear, torch.Generator().manual_seed(seed))

    def forward(
        self, tokens_BT: Tensor, languages_BT: Tensor, attention_mask_BT: Tensor | None = None
    ) -> Tensor:
        """Scores of the labels, (B, C); positions continue over both sentences of a pair.

        Each row must have a token; padding is at the end of a row.
        """
        packed = pack(tokens_BT, languages_BT, attention_mask_BT=attention_mask_BT)
        logits_BC: Tensor = self.proj(self.encoder.states(packed, select_first(packed)))
        return logits_BC
