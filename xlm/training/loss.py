"""The loss of a batch's chosen places, as one module, so that its gradients can be shared.

losses_N = MaskedLoss(encoder)(*to_tensors(batch, device, masks), noise=noise)
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xlm.dataloader.batch import Batch, Quota
from xlm.dataloader.masking.device import DeviceMasks
from xlm.model.dropout import RowNoise
from xlm.model.encoder import Encoder
from xlm.model.head import head_losses
from xlm.model.positions import Asked, Places, ask, pack


class BatchTensors(NamedTuple):
    """A batch on its device; fields as in `Batch`."""

    tokens_BT: Tensor
    languages_BT: Tensor
    positions_BT: Tensor | None
    real_BT: Tensor | None
    selected_N: Tensor
    targets_N: Tensor
    causal: bool


class MaskedLoss(nn.Module):
    """Cross-entropy of every selected place, and of nothing else."""

    def __init__(self, encoder: Encoder, *, compiled: bool = False) -> None:
        """`compiled`: through torch.compile, once for full rows and once for padded ones."""
        super().__init__()
        self.encoder = encoder
        self._measure = torch.compile(self._losses, dynamic=True) if compiled else self._losses

    def forward(
        self,
        tokens_BT: Tensor,
        languages_BT: Tensor,
        positions_BT: Tensor | None,
        real_BT: Tensor | None,
        selected_N: Tensor,
        targets_N: Tensor,
        causal: bool = False,
        noise: RowNoise | None = None,
    ) -> Tensor:
        """Losses in the order of the selected places, (N,), which count row by row through (B, T).

        `noise`: what dropout draws from on a CPU, unless the module is compiled; otherwise, and
        with None, torch's generator decides.
        """
        places = pack(tokens_BT, languages_BT, positions_BT, real_BT)
        asked, order_N = ask(places, selected_N)
        losses_N = self._measure(places, asked, targets_N[order_N], causal, noise)
        return torch.empty_like(losses_N).index_copy(0, order_N, losses_N)

    def _losses(
        self,
        places: Places,
        asked: Asked,
        targets_N: Tensor,
        causal: bool,
        noise: RowNoise | None,
    ) -> Tensor:
        encoder = self.encoder
        states_ND = encoder.states(places, asked, causal=causal, noise=noise, sparse=True)
        return head_losses(
            states_ND, encoder.embeddings.weight, encoder.pred_layer.proj.bias, targets_N
        )


def to_tensors(
    batch: Batch, device: torch.device, masks: DeviceMasks | None = None
) -> BatchTensors:
    """Move a batch to its device, and draw there what it leaves to be drawn by `masks`."""

    def move(array: NDArray[np.generic]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if device.type == "cuda":
            # From pinned memory the copy runs beside the computation.
            return tensor.pin_memory().to(device, non_blocking=True)
        return tensor.to(device)

    tokens_BT = move(batch.tokens_BT)
    real_BT = None if batch.real_BT is None else move(batch.real_BT)
    if isinstance(batch.predicted, Quota):
        assert masks, "this batch's masks are drawn on the device"
        tokens_BT, selected_N, targets_N = masks.draw(tokens_BT, real_BT, batch.predicted)
    else:
        selected_N, targets_N = move(batch.predicted.cells_N), move(batch.predicted.targets_N)
    return BatchTensors(
        tokens_BT=tokens_BT,
        languages_BT=move(batch.languages_BT),
        positions_BT=None if batch.positions_BT is None else move(batch.positions_BT),
        real_BT=real_BT,
        selected_N=selected_N,
        targets_N=targets_N,
        causal=batch.causal,
    )
