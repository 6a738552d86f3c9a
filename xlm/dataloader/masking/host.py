"""Which positions are predicted, and the ids that replace their tokens; computed on the host.

masker = Masker(vocabulary.counts, sample_alpha=0.5)
random = generator(seed, "mask", update)
masked = masker.mask(tokens_BT, attention_mask_BT, rate=0.15, random=random)
masked.targets_N == tokens_BT.flat[masked.selected_N]
"""

from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import MASK, NUM_SPECIAL_TOKENS

MASKED, KEPT = 0.8, 0.1
"""Shares that become <special1> and that stay; the others become a random id (paper 3.3)."""

ArrayT = TypeVar("ArrayT")


class MaskedTokens(NamedTuple, Generic[ArrayT]):
    """Tokens after masking, indices of the predicted positions, and the ids to predict there.

    The arrays are numpy's on the host and torch tensors on the device. Indices count the B x T
    positions row by row.
    """

    tokens_BT: ArrayT
    selected_N: ArrayT
    targets_N: ArrayT


def selection_weights(
    counts: NDArray[np.int64], sample_alpha: float, *, predict_special_tokens: bool
) -> NDArray[np.float64]:
    """The weight of each id when positions are sampled, (V,).

    XLM: max(count, 1)^-alpha, and 0 for ids with count 0, which includes every special token. With
    alpha 0 all ids have the same weight, but special tokens have 0 unless
    `predict_special_tokens` (spec 3.4).
    """
    if sample_alpha == 0:
        weights = np.ones(len(counts))
        weights[:NUM_SPECIAL_TOKENS] = predict_special_tokens
        return weights
    weights = np.maximum(counts, 1).astype(np.float64) ** -sample_alpha
    return np.where(counts > 0, weights, 0.0)


class Masker:
    """Selects and masks positions (spec 3.4); the result depends on its arguments alone."""

    def __init__(
        self, counts: NDArray[np.int64], sample_alpha: float, *, predict_special_tokens: bool = True
    ) -> None:
        """`predict_special_tokens`: whether `sample_alpha` 0 may select `</s>` and `<unk>`."""
        self._vocabulary_size = len(counts)
        self._predict_special_tokens = predict_special_tokens
        self._weights_V = None
        if sample_alpha > 0:
            self._weights_V = selection_weights(counts, sample_alpha, predict_special_tokens=False)

    def mask(
        self,
        tokens_BT: NDArray[np.int64],
        attention_mask_BT: NDArray[np.bool_] | None,
        *,
        rate: float,
        random: np.random.Generator,
    ) -> MaskedTokens[NDArray[np.int64]]:
        """Select about `rate` of all positions, never padding or a row's first token."""
        if self._weights_V is None:
            chosen_BT = random.random(tokens_BT.shape) < rate
            if not self._predict_special_tokens:
                chosen_BT &= tokens_BT >= NUM_SPECIAL_TOKENS
        else:
            chosen_BT = _sample(self._weights_V[tokens_BT], rate, random)
        chosen_BT[:, 0] = False
        if attention_mask_BT is not None:
            chosen_BT &= attention_mask_BT
        selected_N = np.flatnonzero(chosen_BT)
        targets_N = tokens_BT.ravel()[selected_N]
        masked_BT = tokens_BT.copy()
        masked_BT.ravel()[selected_N] = self._replacements(targets_N, random)
        return MaskedTokens(masked_BT, selected_N, targets_N)

    def _replacements(
        self, targets_N: NDArray[np.int64], random: np.random.Generator
    ) -> NDArray[np.int64]:
        uniform_N = random.random(len(targets_N))
        # XLM: uniform over all ids, special tokens included.
        random_N = random.integers(self._vocabulary_size, size=len(targets_N))
        unmasked_N = np.where(uniform_N < MASKED + KEPT, targets_N, random_N)
        return np.where(uniform_N < MASKED, MASK, unmasked_N)


def _sample(
    weights_BT: NDArray[np.float64], rate: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Exactly ceil(rate B T) positions without replacement, in proportion to their weights.

    The positions with the smallest E / w, E exponential, are a sample of this distribution
    (Efraimidis, Spirakis 2006).
    """
    with np.errstate(divide="ignore"):
        keys = (random.standard_exponential(weights_BT.shape) / weights_BT).ravel()
    possible = int(np.count_nonzero(weights_BT))
    wanted = min(int(np.ceil(rate * weights_BT.size)), possible)
    chosen = np.zeros(weights_BT.size, dtype=np.bool_)
    if wanted:
        chosen[np.argpartition(keys, wanted - 1)[:wanted]] = True
    return chosen.reshape(weights_BT.shape)
