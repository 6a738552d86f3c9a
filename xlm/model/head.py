"""The prediction head: scores of every id for the selected states, and their losses.

    losses_N = head_losses(states_ND, weight_VD, bias_V, targets_N)

Shape legend: N selected positions, V vocabulary, D dimension.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlm.model.cpu.cross_entropy import cross_entropy
from xlm.model.cpu.linear import linear


class PredictionHead(nn.Module):
    """The projection to the vocabulary; its weight is the embedding matrix."""

    def __init__(self, dimension: int, vocabulary_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dimension, vocabulary_size)


def head_losses(states_ND: Tensor, weight_VD: Tensor, bias_V: Tensor, targets_N: Tensor) -> Tensor:
    """The cross-entropy of each selected position, (N,)."""
    scores_NV = linear(states_ND, weight_VD, bias_V).float()
    if scores_NV.device.type == "cpu" and not torch.compiler.is_compiling():
        return cross_entropy(scores_NV, targets_N)
    return F.cross_entropy(scores_NV, targets_N, reduction="none")
