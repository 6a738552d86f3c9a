"""A batch as tensors on the device that trains.

losses_N = MaskedLoss(encoder)(*to_device(batch, device, masker))
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xlm.dataloader.batch import Batch, MaskCounts
from xlm.dataloader.masking.device import DeviceMasker


class DeviceBatch(NamedTuple):
    """The tensors of a batch; fields as in `Batch` and `Targets`."""

    tokens_BT: Tensor
    languages_BT: Tensor
    positions_BT: Tensor | None
    attention_mask_BT: Tensor | None
    selected_N: Tensor
    targets_N: Tensor
    causal: bool


def to_device(
    batch: Batch, device: torch.device, masker: DeviceMasker | None = None
) -> DeviceBatch:
    """Copy a batch to its device; `masker` selects and masks there what the host left open."""
    mask_BT, positions_BT = batch.attention_mask_BT, batch.positions_BT
    tokens_BT = to_tensor(batch.tokens_BT, device)
    attention_mask_BT = None if mask_BT is None else to_tensor(mask_BT, device)
    if isinstance(batch.predicted, MaskCounts):
        assert masker, "this batch is masked on the device"
        tokens_BT, selected_N, targets_N = masker.mask(
            tokens_BT, attention_mask_BT, batch.predicted
        )
    else:
        selected_N = to_tensor(batch.predicted.selected_N, device)
        targets_N = to_tensor(batch.predicted.targets_N, device)
    return DeviceBatch(
        tokens_BT=tokens_BT,
        languages_BT=to_tensor(batch.languages_BT, device),
        positions_BT=None if positions_BT is None else to_tensor(positions_BT, device),
        attention_mask_BT=attention_mask_BT,
        selected_N=selected_N,
        targets_N=targets_N,
        causal=batch.causal,
    )


def to_tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """A tensor on the device with the values of an array; on a CPU it shares their memory."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        # A copy from pinned memory overlaps with computation.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
