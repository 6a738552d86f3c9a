"""Which tokens are predicted, and what stands in their place.

masker = Masker(vocabulary.counts, sample_alpha=0.5)
masked = masker.mask(tokens_BT, real_BT, rate=0.15, random=generator(seed, "mask", update))
masked.targets_N == tokens_BT.flat[masked.selected_N]
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import MASK, NUM_SPECIAL_TOKENS

MASKED, KEPT = 0.8, 0.1
"""Shares that become <special1> and stay; the rest becomes a random id (paper 3.3)."""


@dataclass(frozen=True)
class Masked:
    """A batch with some tokens replaced; `selected_N` counts row by row through (B, T)."""

    tokens_BT: NDArray[np.int64]
    selected_N: NDArray[np.int64]
    targets_N: NDArray[np.int64]


def selection_weights(
    counts: NDArray[np.int64], sample_alpha: float, *, predict_specials: bool
) -> NDArray[np.float64]:
    """The weight of each id in the draw of places, (V,).

    XLM: max(count, 1)^-alpha, but 0 for ids never counted, so for every special one; with alpha 0
    all ids are alike, special ones too where they may be predicted (spec 3.4).
    """
    if sample_alpha == 0:
        weights = np.ones(len(counts))
        weights[:NUM_SPECIAL_TOKENS] = predict_specials
        return weights
    weights = np.maximum(counts, 1).astype(np.float64) ** -sample_alpha
    return np.where(counts > 0, weights, 0.0)


class Masker:
    """Draws the places to predict (spec 3.4); a draw depends on its generator alone."""

    def __init__(
        self, counts: NDArray[np.int64], sample_alpha: float, *, predict_specials: bool = True
    ) -> None:
        self._vocabulary_size = len(counts)
        self._predict_specials = predict_specials
        self._weights = None
        if sample_alpha > 0:
            self._weights = selection_weights(counts, sample_alpha, predict_specials=False)

    def mask(
        self,
        tokens_BT: NDArray[np.int64],
        real_BT: NDArray[np.bool_] | None,
        *,
        rate: float,
        random: np.random.Generator,
    ) -> Masked:
        """Select about `rate` of all cells, never padding and never a row's first token."""
        if self._weights is None:
            chosen_BT = random.random(tokens_BT.shape) < rate
            if not self._predict_specials:
                chosen_BT &= tokens_BT >= NUM_SPECIAL_TOKENS
        else:
            chosen_BT = _draw(self._weights[tokens_BT], rate, random)
        chosen_BT[:, 0] = False
        if real_BT is not None:
            chosen_BT &= real_BT
        selected_N = np.flatnonzero(chosen_BT)
        targets_N = tokens_BT.ravel()[selected_N]
        masked_BT = tokens_BT.copy()
        masked_BT.ravel()[selected_N] = self._replace(targets_N, random)
        return Masked(masked_BT, selected_N, targets_N)

    def _replace(
        self, targets_N: NDArray[np.int64], random: np.random.Generator
    ) -> NDArray[np.int64]:
        lot_N = random.random(len(targets_N))
        # XLM: uniform over all ids, special ones included.
        random_N = random.integers(self._vocabulary_size, size=len(targets_N))
        return np.where(lot_N < MASKED, MASK, np.where(lot_N < MASKED + KEPT, targets_N, random_N))


def _draw(
    weights_BT: NDArray[np.float64], rate: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Exactly ceil(rate B T) cells without replacement, in proportion to their weights.

    The cells with the smallest E / w, E exponential, are such a draw (Efraimidis, Spirakis 2006).
    """
    with np.errstate(divide="ignore"):
        race = (random.standard_exponential(weights_BT.shape) / weights_BT).ravel()
    possible = int(np.count_nonzero(weights_BT))
    wanted = min(int(np.ceil(rate * weights_BT.size)), possible)
    chosen = np.zeros(weights_BT.size, dtype=np.bool_)
    if wanted:
        chosen[np.argpartition(race, wanted - 1)[:wanted]] = True
    return chosen.reshape(weights_BT.shape)
