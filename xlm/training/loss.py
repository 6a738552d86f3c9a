"""The loss at a batch's predicted positions, as one module, so that DDP can average gradients.

losses_N = MaskedLoss(encoder)(*to_device(batch, device, masker), dropout_rng=rng)
"""

import torch
from torch import Tensor, nn

from xlm.model.cpu.dropout import DropoutRNG
from xlm.model.encoder import Encoder
from xlm.model.head import head_losses
from xlm.model.packing import PackedBatch, SelectedPositions, pack, select


class MaskedLoss(nn.Module):
    """Cross-entropy at every predicted position, and nowhere else."""

    def __init__(self, encoder: Encoder, *, compiled: bool = False) -> None:
        """`compiled`: use torch.compile, once for full rows and once for padded ones."""
        super().__init__()
        self.encoder = encoder
        self._measure = torch.compile(self._losses, dynamic=True) if compiled else self._losses

    def forward(
        self,
        tokens_BT: Tensor,
        languages_BT: Tensor,
        positions_BT: Tensor | None,
        attention_mask_BT: Tensor | None,
        selected_N: Tensor,
        targets_N: Tensor,
        causal: bool = False,
        dropout_rng: DropoutRNG | None = None,
    ) -> Tensor:
        """Losses in the order of `selected_N`, (N,).

        Args:
            selected_N: indices of the predicted positions, row by row through (B, T).
            dropout_rng: random numbers of dropout on a CPU; None, a GPU and a compiled module use
                torch's generator.
        """
        packed = pack(tokens_BT, languages_BT, positions_BT, attention_mask_BT)
        selected, order_N = select(packed, selected_N)
        losses_N = self._measure(packed, selected, targets_N[order_N], causal, dropout_rng)
        return torch.empty_like(losses_N).index_copy(0, order_N, losses_N)

    def _losses(
        self,
        packed: PackedBatch,
        selected: SelectedPositions,
        targets_N: Tensor,
        causal: bool,
        dropout_rng: DropoutRNG | None,
    ) -> Tensor:
        encoder = self.encoder
        states_ND = encoder.states(
            packed, selected, causal=causal, dropout_rng=dropout_rng, sparse=True
        )
        return head_losses(
            states_ND, encoder.embeddings.weight, encoder.pred_layer.proj.bias, targets_N
        )
