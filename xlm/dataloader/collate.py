"""From the rows of an update's tasks to its batch: padding, masks and targets by objective.

    batch = Collator(vocabulary.counts, config).collate("mlm", [3, 8], rows, update)

`rows` are the sequences of tasks 3 and 8.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.batch import Batch, MaskCounts, Targets
from xlm.dataloader.masking.device import mask_counts
from xlm.dataloader.masking.host import MaskedTokens, Masker, selection_weights
from xlm.dataloader.randomness import generator, torch_seed
from xlm.dataloader.sequences import Sequences, concatenate_rows

HostTokens = MaskedTokens[NDArray[np.int64]]


class Collator:
    """Makes one batch of several tasks' rows; masks depend on (seed, update) alone."""

    def __init__(self, counts: NDArray[np.int64], config: PretrainConfig) -> None:
        """`counts`: how often each id occurs in the training data, (V,)."""
        alpha, predict_special_tokens = config.sample_alpha, config.predict_specials
        self._config = config
        self._masker = Masker(counts, alpha, predict_special_tokens=predict_special_tokens)
        weights_V = selection_weights(counts, alpha, predict_special_tokens=predict_special_tokens)
        self._maskable_V: NDArray[np.bool_] = weights_V > 0

    def collate(
        self, objective: Objective, tasks: Sequence[int], rows: Sequence[Sequences], update: int
    ) -> Batch:
        """The batch of all rows; `tasks` are the indices of the tasks that they come from."""
        task_B = np.repeat(np.asarray(tasks, dtype=np.int64), [len(part) for part in rows])
        if objective == "clm":
            return join(rows, [next_tokens(part.tokens_BT) for part in rows], task_B, causal=True)
        rate = self._config.mlm_mask_rate if objective == "mlm" else self._config.tlm_mask_rate
        if self._config.masking == "rows":
            sequences = concatenate_rows(rows)
            return make_batch(sequences, task_B, self._mask_counts(sequences, rate, update))
        masked = [
            self._masker.mask(
                part.tokens_BT,
                part.attention_mask_BT,
                rate=rate,
                random=generator(self._config.seed, "mask", update, number),
            )
            for number, part in enumerate(rows)
        ]
        return join(rows, masked, task_B)

    def _mask_counts(self, sequences: Sequences, rate: float, update: int) -> MaskCounts:
        return mask_counts(
            sequences.tokens_BT,
            sequences.attention_mask_BT,
            self._maskable_V,
            rate=rate,
            key=torch_seed(self._config.seed, "mask", update),
            random=generator(self._config.seed, "quota", update),
        )


def next_tokens(tokens_BT: NDArray[np.int64]) -> HostTokens:
    """Targets of CLM: each position predicts the next token, the last of a row none (spec 3.5)."""
    indices_BT = np.arange(tokens_BT.size, dtype=np.int64).reshape(tokens_BT.shape)
    return MaskedTokens(tokens_BT, indices_BT[:, :-1].ravel(), tokens_BT[:, 1:].ravel())


def join(
    rows: Sequence[Sequences],
    masked: Sequence[HostTokens],
    task_B: NDArray[np.int64],
    *,
    causal: bool = False,
) -> Batch:
    """One batch of several parts, each with its own masks."""
    parts = [
        replace(part, tokens_BT=tokens.tokens_BT) for part, tokens in zip(rows, masked, strict=True)
    ]
    sequences = concatenate_rows(parts)
    width, first_row, selected = sequences.tokens_BT.shape[1], 0, []
    for tokens in masked:
        part_rows, part_width = tokens.tokens_BT.shape
        row_N, column_N = np.divmod(tokens.selected_N, part_width)
        selected.append((row_N + first_row) * width + column_N)
        first_row += part_rows
    targets = Targets(np.concatenate(selected), np.concatenate([one.targets_N for one in masked]))
    return make_batch(sequences, task_B, targets, causal=causal)


def make_batch(
    sequences: Sequences,
    task_B: NDArray[np.int64],
    predicted: Targets | MaskCounts,
    *,
    causal: bool = False,
) -> Batch:
    """A batch of the given rows and targets."""
    return Batch(
        tokens_BT=sequences.tokens_BT,
        languages_BT=sequences.languages_BT,
        positions_BT=sequences.positions_BT,
        attention_mask_BT=sequences.attention_mask_BT,
        task_B=task_B,
        predicted=predicted,
        causal=causal,
    )
