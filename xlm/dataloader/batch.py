"""The global batch of one update, and the share of it that one process computes.

    share = batch.share(rank=0, world_size=2)  # every second row

The predicted positions are either selected on the host (`Targets`: the tokens are masked already)
or left to the device (`MaskCounts`, see `xlm.dataloader.masking.device`: the tokens are unmasked).

Shape legend: B rows, T positions of a row (padding included), N predicted positions. Indices into
a batch count its B x T positions row by row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Targets:
    """Indices of the predicted positions, and the ids to predict there."""

    selected_N: NDArray[np.int64]
    targets_N: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of predicted positions."""
        return len(self.selected_N)


@dataclass(frozen=True)
class MaskCounts:
    """How many positions of each row the device selects, and the key of its random numbers.

    `rows_B` are the row numbers in the global batch, so a row has the same mask in any share.
    """

    count_B: NDArray[np.int64]
    rows_B: NDArray[np.int64]
    key: int

    @property
    def count(self) -> int:
        """Number of predicted positions in all rows."""
        return int(self.count_B.sum())


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Inputs and targets of one update, as numpy arrays."""

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64] | None = None
    """Position embeddings to use; None: 0..T-1 in every row."""
    attention_mask_BT: NDArray[np.bool_] | None = None
    """True at tokens, False at padding; None: no row has padding."""
    task_B: NDArray[np.int64]
    """The index of the training task that each row comes from."""
    predicted: Targets | MaskCounts
    causal: bool = False
    """Whether a position attends only to itself and to earlier positions (CLM)."""

    @property
    def real_tokens(self) -> int:
        """Number of tokens, padding excluded."""
        mask_BT = self.attention_mask_BT
        return int(self.tokens_BT.size if mask_BT is None else mask_BT.sum())

    def share(self, rank: int, world_size: int) -> "Batch":
        """Rows `rank`, `rank + world_size`, ...: the shares of all processes make up the batch.

        If there are fewer rows than processes, a process without a row gets the first row and no
        predicted positions, because every process must take part in the gradient all-reduce.
        """
        if world_size == 1:
            return self
        rows = slice(rank, None, world_size) if rank < len(self.tokens_BT) else slice(0, 1)
        mask_BT = self.attention_mask_BT
        return Batch(
            tokens_BT=self.tokens_BT[rows],
            languages_BT=self.languages_BT[rows],
            positions_BT=None if self.positions_BT is None else self.positions_BT[rows],
            attention_mask_BT=None if mask_BT is None else mask_BT[rows],
            task_B=self.task_B[rows],
            predicted=self._share_of_predicted(rank, world_size, rows),
            causal=self.causal,
        )

    def _share_of_predicted(self, rank: int, world_size: int, rows: slice) -> Targets | MaskCounts:
        if isinstance(self.predicted, MaskCounts):
            counts = self.predicted
            count_B = counts.count_B[rows]
            if rank >= len(self.tokens_BT):
                count_B = np.zeros_like(count_B)
            return MaskCounts(count_B, counts.rows_B[rows], counts.key)
        selected_N, width = self.predicted.selected_N, self.tokens_BT.shape[1]
        is_ours_N = selected_N // width % world_size == rank
        ours_N = selected_N[is_ours_N]
        return Targets(
            ours_N // width // world_size * width + ours_N % width,
            self.predicted.targets_N[is_ours_N],
        )
