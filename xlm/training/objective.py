"""The loss of a masked batch, as one module, so that its gradients can be shared.

losses_N = MaskedLoss(encoder)(*to_tensors(batch, device))
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xlm.batches.batch import Batch
from xlm.model.encoder import Encoder, masked_cross_entropy


class BatchTensors(NamedTuple):
    """A batch on its device; fields as in `Batch`."""

    tokens_BT: Tensor
    languages_BT: Tensor
    positions_BT: Tensor | None
    real_BT: Tensor | None
    selected_N: Tensor
    targets_N: Tensor


class MaskedLoss(nn.Module):
    """Cross-entropy of every selected place."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self,
        tokens_BT: Tensor,
        languages_BT: Tensor,
        positions_BT: Tensor | None,
        real_BT: Tensor | None,
        selected_N: Tensor,
        targets_N: Tensor,
    ) -> Tensor:
        """Losses in the order of the selected places, (N,)."""
        hidden_BTD = self.encoder(tokens_BT, languages_BT, positions_BT, real_BT)
        return masked_cross_entropy(self.encoder, hidden_BTD, selected_N, targets_N)


def to_tensors(batch: Batch, device: torch.device) -> BatchTensors:
    """Move a batch to its device."""

    def move(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    return BatchTensors(
        tokens_BT=move(batch.tokens_BT),
        languages_BT=move(batch.languages_BT),
        positions_BT=None if batch.positions_BT is None else move(batch.positions_BT),
        real_BT=None if batch.real_BT is None else move(batch.real_BT),
        selected_N=move(batch.selected_N),
        targets_N=move(batch.targets_N),
    )
