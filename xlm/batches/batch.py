"""One global batch: masked tokens, what they stood for, and the share of one process.

mine = batch.share(rank=0, world=2)  # every second row
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import PAD

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Inputs and targets; `selected_N` counts row by row through (B, T).

    `positions_BT` is None where each row's are 0..T-1, `real_BT` is None where nothing is padding.
    `step_N` is the number of the training step (language or direction) of each selected place.
    """

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64] | None = None
    real_BT: NDArray[np.bool_] | None = None
    selected_N: NDArray[np.int64]
    targets_N: NDArray[np.int64]
    step_N: NDArray[np.int64]

    @property
    def real_tokens(self) -> int:
        """Tokens that are not padding."""
        return int(self.tokens_BT.size if self.real_BT is None else self.real_BT.sum())

    def share(self, rank: int, world: int) -> "Batch":
        """Rows `rank`, `rank + world`, ...; the shares of all processes make up the batch.

        A process without a row of its own computes the first one, with nothing to predict, so
        that it still takes part in the exchange of gradients.
        """
        rows, width = self.tokens_BT.shape
        if world == 1:
            return self
        mine_N = self.selected_N // width % world == rank
        cells_N = self.selected_N[mine_N]
        chosen = slice(rank, None, world) if rank < rows else slice(0, 1)
        return Batch(
            tokens_BT=self.tokens_BT[chosen],
            languages_BT=self.languages_BT[chosen],
            positions_BT=None if self.positions_BT is None else self.positions_BT[chosen],
            real_BT=None if self.real_BT is None else self.real_BT[chosen],
            selected_N=cells_N // width // world * width + cells_N % width,
            targets_N=self.targets_N[mine_N],
            step_N=self.step_N[mine_N],
        )


def join_batches(parts: Sequence[Batch]) -> Batch:
    """One batch of all rows, padded to the longest; all parts are streams or all are pairs."""
    if len(parts) == 1:
        return parts[0]
    width = max(part.tokens_BT.shape[1] for part in parts)
    first_rows = np.cumsum([0] + [len(part.tokens_BT) for part in parts])
    selected = [
        (part.selected_N // part.tokens_BT.shape[1] + row) * width
        + part.selected_N % part.tokens_BT.shape[1]
        for part, row in zip(parts, first_rows[:-1], strict=True)
    ]
    positions = [part.positions_BT for part in parts if part.positions_BT is not None]
    real = [part.real_BT for part in parts if part.real_BT is not None]
    return Batch(
        tokens_BT=_stack([part.tokens_BT for part in parts], width, PAD),
        languages_BT=_stack([part.languages_BT for part in parts], width, 0),
        positions_BT=_stack(positions, width, 0) if positions else None,
        real_BT=_stack(real, width, 0) if real else None,
        selected_N=np.concatenate(selected),
        targets_N=np.concatenate([part.targets_N for part in parts]),
        step_N=np.concatenate([part.step_N for part in parts]),
    )


def _stack(arrays: Sequence[NDArray[ScalarT]], width: int, padding: int) -> NDArray[ScalarT]:
    stacked = np.full((sum(map(len, arrays)), width), padding, dtype=arrays[0].dtype)
    row = 0
    for array in arrays:
        stacked[row : row + len(array), : array.shape[1]] = array
        row += len(array)
    return stacked
