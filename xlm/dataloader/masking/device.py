"""Masks drawn on the device: each row its own share, by the weights of the whole vocabulary.

    quota = row_quota(tokens_BT, real_BT, weights_V > 0, rate=0.15, key=key, random=random)
    masks = DeviceMasks(vocabulary.counts, config, device)
    masked_BT, selected_N, targets_N = masks.draw(tokens_BT, real_BT, quota)

A row's mask depends on the key, its number in the global batch and its tokens alone. The number of
places is known on the host, so that drawing waits for nothing.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xlm.bpe.vocabulary import MASK
from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Quota
from xlm.dataloader.masking.host import KEPT, MASKED, selection_weights
from xlm.dataloader.masking.stateless import random_bits, uniform

_ROW_STRIDE = 1 << 20
"""More than any row has tokens: places of rows do not meet."""
_LOT, _REPLACEMENT = 1, 2
"""Added to the key for draws after the first."""


class Drawn(NamedTuple):
    """Tokens with some replaced; `selected_N` counts row by row through (B, T)."""

    tokens_BT: Tensor
    selected_N: Tensor
    targets_N: Tensor


def row_quota(
    tokens_BT: NDArray[np.int64],
    real_BT: NDArray[np.bool_] | None,
    drawable_V: NDArray[np.bool_],
    *,
    rate: float,
    key: int,
    random: np.random.Generator,
) -> Quota:
    """How many places of each row are drawn: `rate` of its real tokens, rounded up or down.

    Which way is drawn too, so that the mean is exact; never more than the row has drawable tokens
    behind its first.
    """
    candidates_BT = drawable_V[tokens_BT]
    candidates_BT[:, 0] = False
    if real_BT is None:
        length_B = np.full(len(tokens_BT), tokens_BT.shape[1])
    else:
        candidates_BT &= real_BT
        length_B = real_BT.sum(1)
    wanted_B = np.floor(rate * length_B + random.random(len(length_B))).astype(np.int64)
    rows_B = np.arange(len(tokens_BT), dtype=np.int64)
    return Quota(np.minimum(wanted_B, candidates_BT.sum(1)), rows_B, key)


class DeviceMasks:
    """Draws the places of a quota in proportion to weights of ids, and replaces their tokens."""

    def __init__(
        self, counts: NDArray[np.int64], config: PretrainConfig, device: torch.device
    ) -> None:
        weights_V = selection_weights(
            counts, config.sample_alpha, predict_specials=config.predict_specials
        )
        self._weights_V = torch.from_numpy(weights_V.astype(np.float32)).to(device)
        self._device = device

    def draw(self, tokens_BT: Tensor, real_BT: Tensor | None, quota: Quota) -> Drawn:
        """Mask the rows; the tensors are on the device, the quota is on the host."""
        width = tokens_BT.shape[1]
        row_B1 = torch.from_numpy(quota.rows_B).to(self._device)[:, None]
        places_BT = row_B1 * _ROW_STRIDE + torch.arange(width, device=self._device)
        # The cells with the smallest E / w, E exponential, are a draw without replacement in
        # proportion to w (Efraimidis, Spirakis 2006).
        race_BT = -uniform(quota.key, places_BT).log() / self._weights_V[tokens_BT]
        race_BT[:, 0] = torch.inf
        if real_BT is not None:
            race_BT = race_BT.masked_fill(~real_BT, torch.inf)
        order_BT = race_BT.argsort(dim=1, stable=True)
        first_N = torch.from_numpy(_first_places(quota.count_B, width)).to(self._device)
        selected_N = order_BT.flatten()[first_N] + first_N // width * width
        tokens_M = tokens_BT.flatten()
        targets_N = tokens_M[selected_N]
        places_N = places_BT.flatten()[selected_N]
        masked_M = tokens_M.scatter(0, selected_N, self._replace(quota.key, places_N, targets_N))
        return Drawn(masked_M.view_as(tokens_BT), selected_N, targets_N)

    def _replace(self, key: int, places_N: Tensor, targets_N: Tensor) -> Tensor:
        lot_N = uniform(key + _LOT, places_N)
        # XLM: uniform over all ids, special ones included.
        random_N = random_bits(key + _REPLACEMENT, places_N) % len(self._weights_V)
        kept_N = torch.where(lot_N < MASKED + KEPT, targets_N, random_N)
        return torch.where(lot_N < MASKED, MASK, kept_N)


def _first_places(count_B: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Places of the first `count_B` cells of every row, counted row by row."""
    starts_B = np.arange(len(count_B), dtype=np.int64) * width
    within_N = np.arange(count_B.sum()) - np.repeat(np.cumsum(count_B) - count_B, count_B)
    places_N: NDArray[np.int64] = np.repeat(starts_B, count_B) + within_N
    return places_N
