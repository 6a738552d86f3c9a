"""Rows of ids as packed batches of similar lengths.

    for batch in batches(rows, language_ids, device):
        states_ND = encoder.states(batch.packed)
        out[batch.indices] = ...

A row depends on itself alone, so the order does not change results, apart from rounding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from xlm.inference.text import Ids
from xlm.model.packing import PackedBatch, PackedSequences

_BATCH_ROWS = 64
_BATCH_TOKENS = 8192


@dataclass(frozen=True)
class IndexedBatch:
    """A batch, and which rows it has."""

    indices: NDArray[np.int64]
    """Index of each row, (B,)."""
    packed: PackedBatch


def batches(
    rows: Sequence[Ids], language_ids: Sequence[int], device: torch.device
) -> Iterator[IndexedBatch]:
    """All rows, the shortest first; at most 64 rows, and 8,192 tokens unless a row is longer."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    begin = 0
    while begin < len(order):
        totals = lengths[order[begin : begin + _BATCH_ROWS]].cumsum()
        count = max(1, int(np.searchsorted(totals, _BATCH_TOKENS, side="right")))
        indices = order[begin : begin + count]
        yield IndexedBatch(
            indices,
            pack_rows([rows[i] for i in indices], [language_ids[i] for i in indices], device),
        )
        begin += count


def pack_rows(
    rows: Sequence[Ids], language_ids: Sequence[int], device: torch.device
) -> PackedBatch:
    """Pack rows; positions are 0, 1, 2, ... in each, and all tokens of a row have its language."""
    lengths = [len(row) for row in rows]
    sequences = PackedSequences(lengths, device)

    def tensor(values: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(values).to(device)

    return PackedBatch(
        tokens_P=tensor(np.concatenate(rows).astype(np.int64)),
        languages_P=tensor(np.repeat(np.array(language_ids, dtype=np.int64), lengths)),
        positions_P=tensor(np.concatenate([np.arange(length) for length in lengths])),
        sequences=sequences,
        shape=(len(rows), max(lengths)),
        indices_P=sequences.indices_P,
    )
