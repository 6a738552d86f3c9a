"""Masking on the device: each row has its own mask counts, weights cover the whole vocabulary.

    counts = mask_counts(tokens_BT, attention_mask_BT, weights_V > 0, rate=0.15, key=key, random=r)
    masker = DeviceMasker(vocabulary.counts, config, device)
    masked_BT, selected_N, targets_N = masker.mask(tokens_BT, attention_mask_BT, counts)

The mask of a row depends on the key, the row's number in the global batch and its tokens alone.
The host knows the number of selected positions, so masking needs no synchronisation.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xlm.bpe.vocabulary import MASK
from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import MaskCounts
from xlm.dataloader.masking.host import KEPT, MASKED, MaskedTokens, selection_weights
from xlm.dataloader.masking.stateless import random_bits, uniform

_ROW_STRIDE = 1 << 20
"""More than the tokens of any row, so that the random counters of two rows never overlap."""
_CHOICE, _REPLACEMENT = 1, 2
"""Added to the key for the second and third random number of a position."""


def mask_counts(
    tokens_BT: NDArray[np.int64],
    attention_mask_BT: NDArray[np.bool_] | None,
    maskable_V: NDArray[np.bool_],
    *,
    rate: float,
    key: int,
    random: np.random.Generator,
) -> MaskCounts:
    """How many positions of each row to select: `rate` of its tokens, rounded up or down.

    The rounding is random, so that the mean is exact. A count never exceeds the row's maskable
    tokens, of which the row's first token is none.
    """
    candidates_BT = maskable_V[tokens_BT]
    candidates_BT[:, 0] = False
    if attention_mask_BT is None:
        length_B = np.full(len(tokens_BT), tokens_BT.shape[1])
    else:
        candidates_BT &= attention_mask_BT
        length_B = attention_mask_BT.sum(1)
    wanted_B = np.floor(rate * length_B + random.random(len(length_B))).astype(np.int64)
    rows_B = np.arange(len(tokens_BT), dtype=np.int64)
    return MaskCounts(np.minimum(wanted_B, candidates_BT.sum(1)), rows_B, key)


class DeviceMasker:
    """Samples positions in proportion to weights of their ids, and replaces their tokens."""

    def __init__(
        self, counts: NDArray[np.int64], config: PretrainConfig, device: torch.device
    ) -> None:
        weights_V = selection_weights(
            counts, config.sample_alpha, predict_special_tokens=config.predict_specials
        )
        self._weights_V = torch.from_numpy(weights_V.astype(np.float32)).to(device)
        self._device = device

    def mask(
        self, tokens_BT: Tensor, attention_mask_BT: Tensor | None, counts: MaskCounts
    ) -> MaskedTokens[Tensor]:
        """Mask the rows; the tensors are on the device, the counts are on the host."""
        width = tokens_BT.shape[1]
        row_B1 = torch.from_numpy(counts.rows_B).to(self._device)[:, None]
        counters_BT = row_B1 * _ROW_STRIDE + torch.arange(width, device=self._device)
        # The positions with the smallest E / w, E exponential, are a sample without replacement in
        # proportion to w (Efraimidis, Spirakis 2006).
        keys_BT = -uniform(counts.key, counters_BT).log() / self._weights_V[tokens_BT]
        keys_BT[:, 0] = torch.inf
        if attention_mask_BT is not None:
            keys_BT = keys_BT.masked_fill(~attention_mask_BT, torch.inf)
        order_BT = keys_BT.argsort(dim=1, stable=True)
        first_N = torch.from_numpy(_first_indices(counts.count_B, width)).to(self._device)
        selected_N = order_BT.flatten()[first_N] + first_N // width * width
        tokens_M = tokens_BT.flatten()
        targets_N = tokens_M[selected_N]
        counters_N = counters_BT.flatten()[selected_N]
        replacements_N = self._replacements(counts.key, counters_N, targets_N)
        masked_BT = tokens_M.scatter(0, selected_N, replacements_N).view_as(tokens_BT)
        return MaskedTokens(masked_BT, selected_N, targets_N)

    def _replacements(self, key: int, counters_N: Tensor, targets_N: Tensor) -> Tensor:
        uniform_N = uniform(key + _CHOICE, counters_N)
        # XLM: uniform over all ids, special tokens included.
        random_N = random_bits(key + _REPLACEMENT, counters_N) % len(self._weights_V)
        unmasked_N = torch.where(uniform_N < MASKED + KEPT, targets_N, random_N)
        return torch.where(uniform_N < MASKED, MASK, unmasked_N)


def _first_indices(count_B: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Indices of the first `count_B` positions of every row of `width` positions."""
    starts_B = np.arange(len(count_B), dtype=np.int64) * width
    within_N = np.arange(count_B.sum()) - np.repeat(np.cumsum(count_B) - count_B, count_B)
    indices_N: NDArray[np.int64] = np.repeat(starts_B, count_B) + within_N
    return indices_N
