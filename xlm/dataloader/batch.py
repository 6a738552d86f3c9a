"""One global batch: rows of tokens, what is predicted of them, and the share of one process.

    mine = batch.share(rank=0, world=2)  # every second row

What is predicted is either chosen already (`Selected`: the tokens are masked) or still to be drawn
on the device (`Quota`, see `xlm.dataloader.masking.device`: the tokens are as they were written).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import PAD

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True)
class Selected:
    """Places to predict, counted row by row through (B, T), and the ids that belong there."""

    cells_N: NDArray[np.int64]
    targets_N: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many places."""
        return len(self.cells_N)


@dataclass(frozen=True)
class Quota:
    """How many places of each row are to be drawn, and what the draw depends on.

    `rows_B` are the rows' numbers in the global batch: a row gets the same mask in any share.
    """

    count_B: NDArray[np.int64]
    rows_B: NDArray[np.int64]
    key: int

    @property
    def count(self) -> int:
        """How many places in all rows."""
        return int(self.count_B.sum())


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Inputs and targets.

    `positions_BT` is None where each row's are 0..T-1, `real_BT` is None where nothing is padding.
    `step_B` is the number of the training step (language or direction) of each row. With `causal`,
    each place sees only itself and what is before it.
    """

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64] | None = None
    real_BT: NDArray[np.bool_] | None = None
    step_B: NDArray[np.int64]
    predicted: Selected | Quota
    causal: bool = False

    @property
    def real_tokens(self) -> int:
        """Tokens that are not padding."""
        return int(self.tokens_BT.size if self.real_BT is None else self.real_BT.sum())

    def share(self, rank: int, world: int) -> "Batch":
        """Rows `rank`, `rank + world`, ...; the shares of all processes make up the batch.

        A process without a row of its own computes the first one, with nothing to predict, so
        that it still takes part in the exchange of gradients.
        """
        if world == 1:
            return self
        chosen = slice(rank, None, world) if rank < len(self.tokens_BT) else slice(0, 1)
        return Batch(
            tokens_BT=self.tokens_BT[chosen],
            languages_BT=self.languages_BT[chosen],
            positions_BT=None if self.positions_BT is None else self.positions_BT[chosen],
            real_BT=None if self.real_BT is None else self.real_BT[chosen],
            step_B=self.step_B[chosen],
            predicted=self._share_of_predicted(rank, world, chosen),
            causal=self.causal,
        )

    def _share_of_predicted(self, rank: int, world: int, chosen: slice) -> Selected | Quota:
        if isinstance(self.predicted, Quota):
            quota = self.predicted
            count_B = quota.count_B[chosen]
            if rank >= len(self.tokens_BT):
                count_B = np.zeros_like(count_B)
            return Quota(count_B, quota.rows_B[chosen], quota.key)
        cells_N, width = self.predicted.cells_N, self.tokens_BT.shape[1]
        mine_N = cells_N // width % world == rank
        mine_cells_N = cells_N[mine_N]
        return Selected(
            mine_cells_N // width // world * width + mine_cells_N % width,
            self.predicted.targets_N[mine_N],
        )


def join_batches(parts: Sequence[Batch]) -> Batch:
    """One batch of all rows, padded to the longest.

    All parts are streams or all are pairs, and what is predicted of them is chosen already.
    """
    if len(parts) == 1:
        return parts[0]
    width = max(part.tokens_BT.shape[1] for part in parts)
    first_rows = np.cumsum([0] + [len(part.tokens_BT) for part in parts])
    positions = [part.positions_BT for part in parts if part.positions_BT is not None]
    real = [part.real_BT for part in parts if part.real_BT is not None]
    selected = [
        _moved(part, int(row), width) for part, row in zip(parts, first_rows[:-1], strict=True)
    ]
    return Batch(
        tokens_BT=_stack([part.tokens_BT for part in parts], width, PAD),
        languages_BT=_stack([part.languages_BT for part in parts], width, 0),
        positions_BT=_stack(positions, width, 0) if positions else None,
        real_BT=_stack(real, width, 0) if real else None,
        step_B=np.concatenate([part.step_B for part in parts]),
        predicted=Selected(
            np.concatenate([one.cells_N for one in selected]),
            np.concatenate([one.targets_N for one in selected]),
        ),
        causal=parts[0].causal,
    )


def _moved(part: Batch, first_row: int, width: int) -> Selected:
    """The selected places of a part, as they are counted in the joined rows."""
    assert isinstance(part.predicted, Selected)
    cells_N, own_width = part.predicted.cells_N, part.tokens_BT.shape[1]
    moved_N = (cells_N // own_width + first_row) * width + cells_N % own_width
    return Selected(moved_N, part.predicted.targets_N)


def _stack(arrays: Sequence[NDArray[ScalarT]], width: int, padding: int) -> NDArray[ScalarT]:
    stacked = np.full((sum(map(len, arrays)), width), padding, dtype=arrays[0].dtype)
    row = 0
    for array in arrays:
        stacked[row : row + len(array), : array.shape[1]] = array
        row += len(array)
    return stacked
