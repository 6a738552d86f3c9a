"""The kernels of this room in plain torch: what they compute, without what makes them fast.

Read these functions to understand a kernel, and compare a kernel with them when you change it: the
tests do, values and gradients. Signatures are those of the kernels.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from xlm.model.cpu.dropout import DropoutMask
from xlm.model.packing import PackedSequences


def linear(inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor) -> Tensor:
    """See `xlm.model.cpu.linear`."""
    return inputs_PD @ weight_OD.t() + bias_O


def cross_entropy(scores_NV: Tensor, targets_N: Tensor) -> Tensor:
    """See `xlm.model.cpu.cross_entropy`; the scores stay as they are."""
    return F.cross_entropy(scores_NV, targets_N, reduction="none")


def add_dropped(branch_PD: Tensor, residual_PD: Tensor | None, mask: DropoutMask) -> Tensor:
    """See `xlm.model.cpu.dropout`."""
    dropped_PD = branch_PD * mask.mask.view_as(branch_PD) * mask.scale
    return dropped_PD if residual_PD is None else residual_PD + dropped_PD


def attend_by_rows(
    query_ND: Tensor,
    key_PD: Tensor,
    value_PD: Tensor,
    *,
    heads: int,
    query_sequences: PackedSequences,
    key_sequences: PackedSequences,
    dropout_mask: DropoutMask | None = None,
    causal: bool = False,
) -> Tensor:
    """See `xlm.model.cpu.row_attention`."""
    size = query_ND.shape[1] // heads
    mixed, used = [], 0
    for query, key in zip(query_sequences.slices(), key_sequences.slices(), strict=True):
        mixed_heads = []
        for head in range(heads):
            columns = slice(head * size, (head + 1) * size)
            scores_ST = query_ND[query, columns] @ key_PD[key, columns].T / math.sqrt(size)
            if causal:
                scores_ST = scores_ST + torch.full_like(scores_ST, -math.inf).triu(1)
            weights_ST = scores_ST.softmax(-1)
            if dropout_mask is not None:
                mask_ST = dropout_mask.mask[used : used + weights_ST.numel()].view_as(weights_ST)
                weights_ST, used = weights_ST * mask_ST * dropout_mask.scale, used + mask_ST.numel()
            mixed_heads.append(weights_ST @ value_PD[key, columns])
        mixed.append(torch.cat(mixed_heads, 1))
    return torch.cat(mixed)
