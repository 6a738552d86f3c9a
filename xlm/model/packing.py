"""How places laid end to end fall into rows: all that attention must know of a batch.

    layout = Layout((3, 5), device)  # 8 places: a row of 3, then a row of 5
    layout.padded(places_PD)  # (2, 5, D), zeros behind the first row's 3 places

Everything but attention works on the places alone, so padding costs nothing there. Shape legend: P
places of all rows, B rows, T cells of a padded row.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np
import torch
from torch import Tensor


class Layout:
    """Rows of given lengths; `width` is the longest one's."""

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self.lengths = tuple(lengths)
        self.rows = len(lengths)
        self.width = max(lengths, default=0)
        self.full = min(lengths, default=0) == self.width
        """Whether every row is as long as the longest, so that a view pads."""
        lengths_B = np.asarray(lengths, dtype=np.int64)
        ends_B = lengths_B.cumsum()
        shifts_B = np.arange(self.rows) * self.width - (ends_B - lengths_B)
        cells_P = np.arange(lengths_B.sum()) + np.repeat(shifts_B, lengths_B)
        self.cells_P = torch.from_numpy(cells_P).to(device)
        """Where each place lies among the (B x T) cells of padded rows."""
        borders_B1 = np.concatenate([[0], ends_B]).astype(np.int32)
        self.borders_B1 = torch.from_numpy(borders_B1).to(device)
        """Where each row begins, and where the last one ends."""

    def slices(self) -> Iterator[slice]:
        """The places of each row."""
        for begin, end in pairwise(accumulate(self.lengths, initial=0)):
            yield slice(begin, end)

    def padded(self, places_PD: Tensor) -> Tensor:
        """Rows of equal width, (B, T, D), zeros where a row has no place."""
        shape = (self.rows, self.width, places_PD.shape[1])
        if self.full:
            return places_PD.view(shape)
        cells_CD = places_PD.new_zeros(self.rows * self.width, shape[2])
        return cells_CD.index_copy(0, self.cells_P, places_PD).view(shape)

    def places(self, padded_BTD: Tensor) -> Tensor:
        """The places of padded rows, (P, D)."""
        cells_CD = padded_BTD.flatten(0, 1)
        return cells_CD if self.full else cells_CD.index_select(0, self.cells_P)

    def real(self) -> Tensor:
        """Which cells of padded rows hold a place, (B, T)."""
        lengths_B1 = self.borders_B1.diff()[:, None]
        return torch.arange(self.width, device=lengths_B1.device)[None] < lengths_B1
