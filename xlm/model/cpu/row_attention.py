"""Attention on a CPU, row by row: no padding, cheap dropout, few passes over numbers in cache.

    mixed_ND = attend_by_rows(q_ND, k_PD, v_PD, heads=8, asking=layout, seen=layout, kept=kept)

The scores of one row (H x S x T) fit the cache of a core, those of a batch do not. The weights are
computed again in the backward pass; what stays in memory is the dropout mask, a byte a weight.
Measured beside torch's unfused path, which dropout on the weights forces: bench/train_cpu.py.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd
from torch.autograd.function import once_differentiable

from xlm.model.dropout import Kept
from xlm.model.packing import Layout


def attend_by_rows(
    query_ND: Tensor,
    key_PD: Tensor,
    value_PD: Tensor,
    *,
    heads: int,
    asking: Layout,
    seen: Layout,
    kept: Kept | None = None,
    causal: bool = False,
) -> Tensor:
    """Attention of each asking place over the places of its row, (N, D).

    `kept` is dropout on the weights, in the order (row, head, asking place, seen place). `causal`:
    a place sees itself and those before it; all places must ask.
    """
    rows = _Rows(heads, asking, seen, kept, causal)
    mixed: Tensor = _AttendByRows.apply(query_ND, key_PD, value_PD, rows)  # type: ignore[no-untyped-call]
    return mixed


class _Rows:
    """The rows of a batch, and the weights of one of them."""

    def __init__(
        self, heads: int, asking: Layout, seen: Layout, kept: Kept | None, causal: bool
    ) -> None:
        self.heads, self.causal = heads, causal
        self.spans = list(zip(asking.slices(), seen.slices(), strict=True))
        self.scale = 1.0 if kept is None else kept.scale
        sizes = [heads * s * t for s, t in zip(asking.lengths, seen.lengths, strict=True)]
        # As bytes: torch multiplies by bytes four times as fast as by bools.
        self.masks = None if kept is None else torch.split(kept.mask.view(torch.int8), sizes)

    def split(self, places_PD: Tensor, span: slice) -> Tensor:
        """The heads of one row, (H, T, E), a view."""
        size = places_PD.shape[1] // self.heads
        return places_PD[span].view(-1, self.heads, size).transpose(0, 1)

    def weights(self, query_HSE: Tensor, key_HTE: Tensor) -> Tensor:
        """The softmax of the scores of one row, (H, S, T)."""
        scores_HST = torch.bmm(query_HSE, key_HTE.transpose(1, 2))
        if self.causal:
            hidden_ST = torch.ones_like(scores_HST[0], dtype=torch.bool).triu(1)
            scores_HST.masked_fill_(hidden_ST, -math.inf)
        return torch.softmax(scores_HST, -1)

    def mask(self, number: int, weights_HST: Tensor) -> Tensor | None:
        """What stays of the weights of one row."""
        return None if self.masks is None else self.masks[number].view_as(weights_HST)


class _AttendByRows(torch.autograd.Function):
    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any, query_ND: Tensor, key_PD: Tensor, value_PD: Tensor, rows: _Rows
    ) -> Tensor:
        ctx.rows = rows
        ctx.save_for_backward(query_ND, key_PD, value_PD)
        mixed_ND = torch.empty_like(query_ND)
        root = math.sqrt(query_ND.shape[1] / rows.heads)
        for number, (asking, seen) in enumerate(rows.spans):
            weights_HST = rows.weights(
                rows.split(query_ND, asking) / root, rows.split(key_PD, seen)
            )
            mask_HST = rows.mask(number, weights_HST)
            if mask_HST is not None:
                torch.mul(weights_HST, mask_HST, out=weights_HST)
            value_HTE = rows.split(value_PD, seen) * rows.scale
            torch.bmm(weights_HST, value_HTE, out=rows.split(mixed_ND, asking))
        return mixed_ND

    @staticmethod
    @custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    @once_differentiable
    def backward(ctx: Any, mixed_grad_ND: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        rows: _Rows = ctx.rows
        query_ND, key_PD, value_PD = ctx.saved_tensors
        query_grad_ND = torch.empty_like(query_ND)
        key_grad_PD, value_grad_PD = torch.empty_like(key_PD), torch.empty_like(value_PD)
        root = math.sqrt(query_ND.shape[1] / rows.heads)
        for number, (asking, seen) in enumerate(rows.spans):
            query_HSE = rows.split(query_ND, asking) / root
            key_HTE, value_HTE = rows.split(key_PD, seen), rows.split(value_PD, seen)
            grad_HSE = rows.split(mixed_grad_ND, asking) * rows.scale
            weights_HST = rows.weights(query_HSE, key_HTE)
            weights_grad_HST = torch.bmm(grad_HSE, value_HTE.transpose(1, 2))
            mask_HST, dropped_HST = rows.mask(number, weights_HST), weights_HST
            if mask_HST is not None:
                dropped_HST = torch.mul(weights_HST, mask_HST)
                torch.mul(weights_grad_HST, mask_HST, out=weights_grad_HST)
            torch.bmm(dropped_HST.transpose(1, 2), grad_HSE, out=rows.split(value_grad_PD, seen))
            scores_grad_HST = torch.ops.aten._softmax_backward_data.out(
                weights_grad_HST, weights_HST, -1, weights_HST.dtype, grad_input=weights_grad_HST
            )
            torch.bmm(scores_grad_HST, key_HTE / root, out=rows.split(query_grad_ND, asking))
            torch.bmm(scores_grad_HST.transpose(1, 2), query_HSE, out=rows.split(key_grad_PD, seen))
        return query_grad_ND, key_grad_PD, value_grad_PD, None
