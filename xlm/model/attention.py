"""Multi-head self-attention over packed rows.

    attention = Attention(dimension=1024, heads=8, dropout=0.1)
    mixed_PD = attention(hidden_PD, AttentionContext(packed.sequences), site=1)

Shape legend: P tokens of all rows, N query tokens (P except in the last layer), D dimension, H
heads, E dimension of a head, B rows, S query tokens of a row, T tokens of a row.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlm.model.cpu.dropout import DropoutRNG
from xlm.model.cpu.linear import Linear
from xlm.model.cpu.row_attention import attend_by_rows
from xlm.model.packing import PackedSequences, SelectedPositions

if torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
    # This import loads torch's compiler, which takes more than a second.
    from torch.nn.attention.varlen import varlen_attn

_HALF = (torch.float16, torch.bfloat16)
_VARLEN_MULTIPLE = 8
"""The varlen kernel needs heads of a multiple of this dimension."""


@dataclass(frozen=True)
class AttentionContext:
    """The inputs of attention besides the states."""

    sequences: PackedSequences
    causal: bool = False
    dropout_rng: DropoutRNG | None = None
    """Random numbers of dropout; None: from torch."""
    by_rows: bool = False
    """Whether the CPU kernel may be used (xlm.model.cpu.row_attention)."""


class Attention(nn.Module):
    """Multi-head attention; parameters are named as in the original."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.q_lin = Linear(dimension, dimension)
        self.k_lin = Linear(dimension, dimension)
        self.v_lin = Linear(dimension, dimension)
        self.out_lin = Linear(dimension, dimension)

    def forward(
        self,
        hidden_PD: Tensor,
        context: AttentionContext,
        site: int,
        selected: SelectedPositions | None = None,
    ) -> Tensor:
        """Attend from every token, or from the selected ones, to the tokens of its row, (N, D).

        `site` numbers this call among all dropouts of the model.
        """
        hidden_ND, query_sequences = hidden_PD, context.sequences
        if selected is not None:
            hidden_ND = hidden_PD.index_select(0, selected.indices_N)
            query_sequences = selected.sequences
        query_ND = self.q_lin(hidden_ND)
        key_PD, value_PD = self.k_lin(hidden_PD), self.v_lin(hidden_PD)
        rate = self.dropout if self.training else 0.0
        packed = (query_ND, key_PD, value_PD, query_sequences, context)
        # torch's fused kernel is faster for full rows without dropout, and only for those.
        is_full = selected is None and context.sequences.equal_lengths
        if context.by_rows and not (is_full and rate == 0):
            mixed_ND = self._by_rows(*packed, site, rate)
        elif self._fits_varlen(query_ND, query_sequences, context, rate):
            mixed_ND = self._varlen(*packed)
        else:
            mixed_ND = self._padded(*packed, rate)
        out_ND: Tensor = self.out_lin(mixed_ND)
        return out_ND

    def _by_rows(
        self,
        query_ND: Tensor,
        key_PD: Tensor,
        value_PD: Tensor,
        query_sequences: PackedSequences,
        context: AttentionContext,
        site: int,
        rate: float,
    ) -> Tensor:
        """By the CPU kernel, one row at a time."""
        dropout_mask = None
        if rate > 0 and context.dropout_rng is not None:
            pairs = zip(query_sequences.lengths, context.sequences.lengths, strict=True)
            sizes = [self.heads * s * t for s, t in pairs]
            dropout_mask = context.dropout_rng.mask(site, sizes, rate)
        return attend_by_rows(
            query_ND,
            key_PD,
            value_PD,
            heads=self.heads,
            query_sequences=query_sequences,
            key_sequences=context.sequences,
            dropout_mask=dropout_mask,
            causal=context.causal,
        )

    def _fits_varlen(
        self,
        query_ND: Tensor,
        query_sequences: PackedSequences,
        context: AttentionContext,
        rate: float,
    ) -> bool:
        is_padded = not (context.sequences.equal_lengths and query_sequences.equal_lengths)
        is_half = query_ND.is_cuda and query_ND.dtype in _HALF
        size = query_ND.shape[1] // self.heads
        return is_half and is_padded and rate == 0 and size % _VARLEN_MULTIPLE == 0

    def _varlen(
        self,
        query_ND: Tensor,
        key_PD: Tensor,
        value_PD: Tensor,
        query_sequences: PackedSequences,
        context: AttentionContext,
    ) -> Tensor:
        """By torch's kernel for packed rows, without padding."""
        key_sequences = context.sequences
        size = query_ND.shape[1] // self.heads
        query, key, value = (x.view(-1, self.heads, size) for x in (query_ND, key_PD, value_PD))
        mixed_NHE = varlen_attn(
            query, key, value,
            query_sequences.cu_seqlens_B1, key_sequences.cu_seqlens_B1,
            query_sequences.max_length, key_sequences.max_length,
            window_size=(-1, 0) if context.causal else (-1, -1),
        )  # fmt: skip
        assert isinstance(mixed_NHE, Tensor)
        return mixed_NHE.flatten(1)

    def _padded(
        self,
        query_ND: Tensor,
        key_PD: Tensor,
        value_PD: Tensor,
        query_sequences: PackedSequences,
        context: AttentionContext,
        rate: float,
    ) -> Tensor:
        """By torch's attention for padded rows, with a mask if there is padding."""
        key_sequences, causal = context.sequences, context.causal
        mask = None
        if not key_sequences.equal_lengths:
            mask = key_sequences.attention_mask()[:, None, None, :]
            if causal:
                length = key_sequences.max_length
                mask = mask & torch.ones_like(mask[0, 0, 0].expand(length, -1)).tril()
        mixed_BHSE = F.scaled_dot_product_attention(
            self._split(query_sequences.pad(query_ND)),
            self._split(key_sequences.pad(key_PD)),
            self._split(key_sequences.pad(value_PD)),
            attn_mask=mask,
            dropout_p=rate,
            is_causal=causal and mask is None,
        )
        return query_sequences.unpad(mixed_BHSE.transpose(1, 2).flatten(2))

    def _split(self, padded_BTD: Tensor) -> Tensor:
        """The heads, (B, H, T, E)."""
        rows, length, _ = padded_BTD.shape
        return padded_BTD.view(rows, length, self.heads, -1).transpose(1, 2)
