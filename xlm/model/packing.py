"""A batch without padding: the tokens of all rows in one dimension, and where each row begins.

    packed = pack(tokens_BT, languages_BT, positions_BT, attention_mask_BT)
    selected, order_N = select(packed, selected_N)
    states_ND = encoder.states(packed, selected)  # of the positions selected_N[order_N]
    states_BD = encoder.states(packed, select_first(packed))  # of the first token of every row

Only attention depends on rows; all other layers work on packed tokens, so padding costs nothing.

Shape legend: B rows, T positions of a padded row, P tokens of all rows, N selected positions, D
dimension. `_B1` has one entry more than there are rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
from torch import Tensor


class PackedSequences:
    """Where rows of given lengths begin and end in packed tokens, and how to pad them.

    sequences = PackedSequences((3, 5), device)  # 8 tokens: a row of 3, then a row of 5
    sequences.pad(hidden_PD)  # (2, 5, D), zeros after the 3 tokens of the first row
    """

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self.lengths = tuple(lengths)
        self.rows = len(lengths)
        self.max_length = max(lengths, default=0)
        self.equal_lengths = min(lengths, default=0) == self.max_length
        """Whether no row needs padding, so that padding is a view."""
        lengths_B = np.asarray(lengths, dtype=np.int64)
        ends_B = lengths_B.cumsum()
        shifts_B = np.arange(self.rows) * self.max_length - (ends_B - lengths_B)
        indices_P = np.arange(lengths_B.sum()) + np.repeat(shifts_B, lengths_B)
        self.indices_P = torch.from_numpy(indices_P).to(device)
        """Index of each token among the (B x T) positions of padded rows."""
        cu_seqlens_B1 = np.concatenate([[0], ends_B]).astype(np.int32)
        self.cu_seqlens_B1 = torch.from_numpy(cu_seqlens_B1).to(device)
        """Cumulative lengths: row i has the tokens from entry i to entry i + 1."""

    def slices(self) -> Iterator[slice]:
        """The tokens of each row."""
        for begin, end in pairwise(accumulate(self.lengths, initial=0)):
            yield slice(begin, end)

    def pad(self, packed_PD: Tensor) -> Tensor:
        """Rows of equal length, (B, T, D), zeros at padding."""
        shape = (self.rows, self.max_length, packed_PD.shape[1])
        if self.equal_lengths:
            return packed_PD.view(shape)
        padded_MD = packed_PD.new_zeros(self.rows * self.max_length, shape[2])
        return padded_MD.index_copy(0, self.indices_P, packed_PD).view(shape)

    def unpad(self, padded_BTD: Tensor) -> Tensor:
        """The tokens of padded rows, (P, D)."""
        padded_MD = padded_BTD.flatten(0, 1)
        return padded_MD if self.equal_lengths else padded_MD.index_select(0, self.indices_P)

    def attention_mask(self) -> Tensor:
        """True at tokens and False at padding of padded rows, (B, T)."""
        lengths_B1 = self.cu_seqlens_B1.diff()[:, None]
        return torch.arange(self.max_length, device=lengths_B1.device)[None] < lengths_B1


@dataclass(frozen=True)
class PackedBatch:
    """The inputs of the encoder, one entry per token."""

    tokens_P: Tensor
    languages_P: Tensor
    positions_P: Tensor
    sequences: PackedSequences
    shape: tuple[int, int]
    """Rows and positions (B, T) of the batch that was packed."""
    indices_P: Tensor | None
    """Index of each token among the (B x T) positions of that batch; None: it had no padding."""


@dataclass(frozen=True)
class SelectedPositions:
    """The packed tokens that the last layer computes states for, in the order of the rows."""

    indices_N: Tensor
    sequences: PackedSequences


def pack(
    tokens_BT: Tensor,
    languages_BT: Tensor,
    positions_BT: Tensor | None = None,
    attention_mask_BT: Tensor | None = None,
) -> PackedBatch:
    """Remove padding; without positions, they are 0..T-1; without a mask, nothing is padding."""
    rows, width = tokens_BT.shape
    device = tokens_BT.device
    if positions_BT is None:
        positions_BT = torch.arange(width, device=device)[None]
    sequences, indices_P = PackedSequences([width] * rows, device), None
    if attention_mask_BT is not None:
        indices_P = attention_mask_BT.flatten().nonzero().squeeze(1)
        sequences = PackedSequences(attention_mask_BT.sum(1).tolist(), device)

    def unpad(values_BT: Tensor) -> Tensor:
        values_M = values_BT.expand(rows, width).flatten()
        return values_M if indices_P is None else values_M.index_select(0, indices_P)

    return PackedBatch(
        tokens_P=unpad(tokens_BT),
        languages_P=unpad(languages_BT),
        positions_P=unpad(positions_BT),
        sequences=sequences,
        shape=(rows, width),
        indices_P=indices_P,
    )


def select(packed: PackedBatch, selected_N: Tensor) -> tuple[SelectedPositions, Tensor]:
    """Select positions by their indices among the (B x T) positions, in any order.

    Returns:
        The selection in the order of the rows, and `order_N`: entry i of the selection is the
        position `selected_N[order_N[i]]`.
    """
    rows, width = packed.shape
    sorted_N, order_N = selected_N.sort(stable=True)
    lengths = torch.bincount(sorted_N // max(width, 1), minlength=rows).tolist()
    indices_N = sorted_N
    if packed.indices_P is not None:
        indices_N = torch.searchsorted(packed.indices_P, sorted_N)
    return SelectedPositions(indices_N, PackedSequences(lengths, selected_N.device)), order_N


def select_first(packed: PackedBatch) -> SelectedPositions:
    """Select the first token of every row; each row must have a token."""
    lengths = packed.sequences.lengths
    assert all(lengths), "a row without tokens has no first token"
    return SelectedPositions(
        packed.sequences.cu_seqlens_B1[:-1].long(),
        PackedSequences([1] * len(lengths), packed.tokens_P.device),
    )
