"""From rows to a batch: what is to be predicted of them, by objective.

    batch = Filling(vocabulary.counts, config).batch("mlm", [3, 8], rows, update)

`rows` are those of the drawn steps, whose numbers are given beside them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.batch import Batch, Selected, join_batches
from xlm.dataloader.masking.device import row_quota
from xlm.dataloader.masking.host import Masker, selection_weights
from xlm.dataloader.randomness import generator, torch_seed
from xlm.dataloader.steps import Inputs

_NOTHING = np.empty(0, dtype=np.int64)


class Filling:
    """Chooses, or leaves to the device, which places of the rows are predicted."""

    def __init__(self, counts: NDArray[np.int64], config: PretrainConfig) -> None:
        alpha, predict_special_tokens = config.sample_alpha, config.predict_specials
        self._config = config
        self._masker = Masker(counts, alpha, predict_specials=predict_special_tokens)
        weights_V = selection_weights(counts, alpha, predict_specials=predict_special_tokens)
        self._drawable_V: NDArray[np.bool_] = weights_V > 0

    def batch(
        self, objective: Objective, numbers: Sequence[int], rows: Sequence[Inputs], update: int
    ) -> Batch:
        """One batch of the rows of all drawn steps; masks follow from (seed, update) alone."""
        if objective == "clm":
            return join_batches([next_tokens(*one) for one in zip(numbers, rows, strict=True)])
        if self._config.masking == "rows":
            return self._with_quota(objective, numbers, rows, update)
        rate = self._rate(objective)
        parts = []
        for part, (number, inputs) in enumerate(zip(numbers, rows, strict=True)):
            random = generator(self._config.seed, "mask", update, part)
            masked = self._masker.mask(inputs.tokens_BT, inputs.real_BT, rate=rate, random=random)
            selected = Selected(masked.selected_N, masked.targets_N)
            parts.append(replace(_plain(number, inputs, selected), tokens_BT=masked.tokens_BT))
        return join_batches(parts)

    def _with_quota(
        self, objective: Objective, numbers: Sequence[int], rows: Sequence[Inputs], update: int
    ) -> Batch:
        nothing = Selected(_NOTHING, _NOTHING)
        joined = join_batches([_plain(*one, nothing) for one in zip(numbers, rows, strict=True)])
        quota = row_quota(
            joined.tokens_BT,
            joined.real_BT,
            self._drawable_V,
            rate=self._rate(objective),
            key=torch_seed(self._config.seed, "mask", update),
            random=generator(self._config.seed, "quota", update),
        )
        return replace(joined, predicted=quota)

    def _rate(self, objective: Objective) -> float:
        return self._config.mlm_mask_rate if objective == "mlm" else self._config.tlm_mask_rate


def _plain(number: int, inputs: Inputs, selected: Selected) -> Batch:
    return Batch(
        tokens_BT=inputs.tokens_BT,
        languages_BT=inputs.languages_BT,
        positions_BT=inputs.positions_BT,
        real_BT=inputs.real_BT,
        step_B=np.full(len(inputs.tokens_BT), number, dtype=np.int64),
        predicted=selected,
    )


def next_tokens(number: int, inputs: Inputs) -> Batch:
    """Each place predicts the one behind it; a row's last place predicts nothing (spec 3.5)."""
    tokens_BT = inputs.tokens_BT
    cells_BT = np.arange(tokens_BT.size, dtype=np.int64).reshape(tokens_BT.shape)
    selected = Selected(cells_BT[:, :-1].ravel(), tokens_BT[:, 1:].ravel())
    return replace(_plain(number, inputs, selected), causal=True)
