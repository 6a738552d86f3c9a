"""Multi-head self-attention over rows of any length.

    attention = Attention(dimension=1024, heads=8, dropout=0.1)
    mixed_PD = attention(hidden_PD, Context(layout), site=1)

Shape legend: P places of all rows, N places that ask (P, but for the last layer), H heads, E
dimension of a head, S asking places of one row, T places of one row.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlm.model.cpu.linear import Linear
from xlm.model.cpu.row_attention import attend_by_rows
from xlm.model.dropout import RowNoise
from xlm.model.packing import Layout
from xlm.model.positions import Asked

if torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
    # It loads the compiler, for more than a second: for nothing where torch knows no GPU.
    from torch.nn.attention.varlen import varlen_attn

_HALF = (torch.float16, torch.bfloat16)
_VARLEN_HEAD = 8
"""The varlen kernel takes heads of a multiple of this dimension."""


@dataclass(frozen=True)
class Context:
    """What attention must know beside the states."""

    layout: Layout
    causal: bool = False
    noise: RowNoise | None = None
    """Where dropout draws from; None: from torch."""
    by_rows: bool = False
    """Whether the CPU's own way serves (xlm.model.cpu.row_attention)."""


class Attention(nn.Module):
    """Queries are scaled before the product, as in the original."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.q_lin = Linear(dimension, dimension)
        self.k_lin = Linear(dimension, dimension)
        self.v_lin = Linear(dimension, dimension)
        self.out_lin = Linear(dimension, dimension)

    def forward(
        self, hidden_PD: Tensor, context: Context, site: int, asked: Asked | None = None
    ) -> Tensor:
        """From every place, or the asked ones, attend to the places of its own row."""
        asking_ND, asking = hidden_PD, context.layout
        if asked is not None:
            asking_ND, asking = hidden_PD.index_select(0, asked.places_N), asked.layout
        query_ND = self.q_lin(asking_ND)
        key_PD, value_PD = self.k_lin(hidden_PD), self.v_lin(hidden_PD)
        rate = self.dropout if self.training else 0.0
        if context.by_rows and (rate > 0 or asked is not None or not context.layout.full):
            mixed_ND = self._by_rows(query_ND, key_PD, value_PD, asking, context, site, rate)
        else:
            mixed_ND = self._fused(query_ND, key_PD, value_PD, asking, context, rate)
        out_ND: Tensor = self.out_lin(mixed_ND)
        return out_ND

    def _by_rows(
        self,
        query_ND: Tensor,
        key_PD: Tensor,
        value_PD: Tensor,
        asking: Layout,
        context: Context,
        site: int,
        rate: float,
    ) -> Tensor:
        kept = None
        if rate > 0 and context.noise is not None:
            pairs = zip(asking.lengths, context.layout.lengths, strict=True)
            kept = context.noise.kept(site, [self.heads * s * t for s, t in pairs], rate)
        return attend_by_rows(
            query_ND, key_PD, value_PD,
            heads=self.heads, asking=asking, seen=context.layout, kept=kept, causal=context.causal,
        )  # fmt: skip

    def _fused(
        self,
        query_ND: Tensor,
        key_PD: Tensor,
        value_PD: Tensor,
        asking: Layout,
        context: Context,
        rate: float,
    ) -> Tensor:
        seen, causal = context.layout, context.causal
        size = query_ND.shape[1] // self.heads
        if (
            query_ND.is_cuda
            and query_ND.dtype in _HALF
            and not (seen.full and asking.full)
            and rate == 0
            and size % _VARLEN_HEAD == 0
        ):
            query, key, value = (x.view(-1, self.heads, size) for x in (query_ND, key_PD, value_PD))
            mixed_NHE = varlen_attn(
                query, key, value,
                asking.borders_B1, seen.borders_B1, asking.width, seen.width,
                window_size=(-1, 0) if causal else (-1, -1),
            )  # fmt: skip
            assert isinstance(mixed_NHE, Tensor)
            return mixed_NHE.flatten(1)
        mask = None
        if not seen.full:
            mask = seen.real()[:, None, None, :]
            if causal:
                mask = mask & torch.ones_like(mask[0, 0, 0].expand(seen.width, -1)).tril()
        mixed_BHSE = F.scaled_dot_product_attention(
            self._split(asking.padded(query_ND)),
            self._split(seen.padded(key_PD)),
            self._split(seen.padded(value_PD)),
            attn_mask=mask,
            dropout_p=rate,
            is_causal=causal and mask is None,
        )
        return asking.places(mixed_BHSE.transpose(1, 2).flatten(2))

    def _split(self, padded_BTD: Tensor) -> Tensor:
        rows, width, _ = padded_BTD.shape
        return padded_BTD.view(rows, width, self.heads, -1).transpose(1, 2)
