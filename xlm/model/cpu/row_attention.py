"""Attention on a CPU, one row at a time: no padding, cheap dropout, few passes over cached numbers.

    mixed_ND = attend_by_rows(
        query_ND, key_PD, value_PD, heads=8, query_sequences=selected, key_sequences=all_tokens
    )

The scores of one row (H x S x T) fit a core's cache, those of a batch do not. The weights are
recomputed in the backward pass; only the dropout mask stays in memory, one byte per weight.
bench/train_cpu.py compares it with torch's unfused attention, which dropout on weights requires.

Shape legend: P tokens of all rows, N query tokens, D dimension, H heads, E dimension of a head, S
query tokens of one row, T tokens of one row.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd
from torch.autograd.function import once_differentiable

from xlm.model.cpu.dropout import DropoutMask
from xlm.model.cpu.private_operators import softmax_backward_in_place
from xlm.model.packing import PackedSequences


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
    """Attention of each query token over the tokens of its row, (N, D).

    Args:
        dropout_mask: of the attention weights, in the order (row, head, query token, key token).
        causal: a token attends to itself and to earlier ones; every token must be a query.
    """
    rows = _Rows(heads, query_sequences, key_sequences, dropout_mask, causal)
    mixed: Tensor = _AttendByRows.apply(query_ND, key_PD, value_PD, rows)  # type: ignore[no-untyped-call]
    return mixed


class _Rows:
    """Slices of the rows of a batch, and the attention weights of one row."""

    def __init__(
        self,
        heads: int,
        query_sequences: PackedSequences,
        key_sequences: PackedSequences,
        dropout_mask: DropoutMask | None,
        causal: bool,
    ) -> None:
        self.heads, self.causal = heads, causal
        self.slices = list(zip(query_sequences.slices(), key_sequences.slices(), strict=True))
        self.scale, self.masks = 1.0, None
        if dropout_mask is not None:
            self.scale = dropout_mask.scale
            lengths = zip(query_sequences.lengths, key_sequences.lengths, strict=True)
            sizes = [heads * s * t for s, t in lengths]
            # As bytes: torch multiplies by bytes four times as fast as by bools.
            self.masks = torch.split(dropout_mask.mask.view(torch.int8), sizes)

    def split(self, packed_PD: Tensor, row: slice) -> Tensor:
        """The heads of one row, (H, T, E), a view."""
        size = packed_PD.shape[1] // self.heads
        return packed_PD[row].view(-1, self.heads, size).transpose(0, 1)

    def weights(self, query_HSE: Tensor, key_HTE: Tensor) -> Tensor:
        """The softmax of the scores of one row, (H, S, T)."""
        scores_HST = torch.bmm(query_HSE, key_HTE.transpose(1, 2))
        if self.causal:
            hidden_ST = torch.ones_like(scores_HST[0], dtype=torch.bool).triu(1)
            scores_HST.masked_fill_(hidden_ST, -math.inf)
        return torch.softmax(scores_HST, -1)

    def mask(self, number: int, weights_HST: Tensor) -> Tensor | None:
        """The dropout mask of the weights of one row."""
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
        for number, (query, key) in enumerate(rows.slices):
            weights_HST = rows.weights(rows.split(query_ND, query) / root, rows.split(key_PD, key))
            mask_HST = rows.mask(number, weights_HST)
            if mask_HST is not None:
                torch.mul(weights_HST, mask_HST, out=weights_HST)
            value_HTE = rows.split(value_PD, key) * rows.scale
            torch.bmm(weights_HST, value_HTE, out=rows.split(mixed_ND, query))
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
        for number, (query, key) in enumerate(rows.slices):
            query_HSE = rows.split(query_ND, query) / root
            key_HTE, value_HTE = rows.split(key_PD, key), rows.split(value_PD, key)
            grad_HSE = rows.split(mixed_grad_ND, query) * rows.scale
            weights_HST = rows.weights(query_HSE, key_HTE)
            weights_grad_HST = torch.bmm(grad_HSE, value_HTE.transpose(1, 2))
            mask_HST, dropped_HST = rows.mask(number, weights_HST), weights_HST
            if mask_HST is not None:
                dropped_HST = torch.mul(weights_HST, mask_HST)
                torch.mul(weights_grad_HST, mask_HST, out=weights_grad_HST)
            torch.bmm(dropped_HST.transpose(1, 2), grad_HSE, out=rows.split(value_grad_PD, key))
            scores_grad_HST = softmax_backward_in_place(weights_grad_HST, weights_HST)
            torch.bmm(scores_grad_HST, key_HTE / root, out=rows.split(query_grad_ND, query))
            torch.bmm(scores_grad_HST.transpose(1, 2), query_HSE, out=rows.split(key_grad_PD, key))
        return query_grad_ND, key_grad_PD, value_grad_PD, None
