"""Perplexity of texts: each token is predicted once.

A masked language model sees a text seven times. In pass k, the tokens k, k + 7, k + 14, ... are
masked, about as many as in pretraining (15 %), and predicted from all others. A causal model
predicts each token from those before it, in one pass. Tokens that are not in the vocabulary are not
predicted. Texts longer than the position table are cut at its length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from xlm.bpe.vocabulary import MASK, UNK
from xlm.inference.compute import enclose, token_states
from xlm.inference.results import Perplexity
from xlm.inference.text import Ids
from xlm.model.encoder import Encoder
from xlm.model.head import head_losses

_PASSES = 7
_CHUNK = 256
"""Positions that are scored at once: the scores of all ids take memory."""


@dataclass(frozen=True)
class _Task:
    """A row to predict tokens of."""

    text: int
    row: Ids
    positions: NDArray[np.int64]
    targets: NDArray[np.int64]


def perplexity_of(
    encoder: Encoder, texts: Sequence[Ids], language_ids: Sequence[int], device: torch.device
) -> Perplexity:
    """The perplexity of texts without `</s>`, together and one by one."""
    most = encoder.description.model.max_positions - 2
    tasks = [
        task
        for index, ids in enumerate(texts)
        for begin in range(0, len(ids), most)
        for task in _tasks(index, ids[begin : begin + most], causal=encoder.description.causal)
    ]
    loss_sums = np.zeros(len(texts))
    counts = np.zeros(len(texts), dtype=np.int64)
    states = token_states(
        encoder,
        [task.row for task in tasks],
        [task.positions for task in tasks],
        [language_ids[task.text] for task in tasks],
        device,
    )
    for indices, states_MD in states:
        chosen = [tasks[index] for index in indices]
        losses_M = _losses(encoder, states_MD, np.concatenate([task.targets for task in chosen]))
        text_M = np.repeat([task.text for task in chosen], [len(task.targets) for task in chosen])
        np.add.at(loss_sums, text_M, losses_M)
        np.add.at(counts, text_M, 1)
    unknown = sum(int((ids == UNK).sum()) for ids in texts)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = float(np.exp(loss_sums.sum() / counts.sum()))
        return Perplexity(value, int(counts.sum()), unknown, np.exp(loss_sums / counts))


def _tasks(text: int, ids: Ids, *, causal: bool) -> Iterator[_Task]:
    row = enclose(ids, len(ids) + 2)
    known = np.flatnonzero(ids != UNK)
    for begin in range(1 if causal else _PASSES):
        chosen = known if causal else known[known % _PASSES == begin]
        if len(chosen):
            masked = row.copy()
            if not causal:
                masked[chosen + 1] = MASK
            # A causal model predicts a token at the position before it.
            positions = chosen if causal else chosen + 1
            yield _Task(text, masked, positions, ids[chosen].astype(np.int64))


def _losses(
    encoder: Encoder, states_MD: torch.Tensor, targets_M: NDArray[np.int64]
) -> NDArray[np.float64]:
    targets = torch.from_numpy(targets_M).to(states_MD.device)
    weight_VD, bias_V = encoder.embeddings.weight, encoder.pred_layer.proj.bias
    with torch.inference_mode():
        parts = [
            head_losses(chunk_MD, weight_VD, bias_V, chunk_M)
            for chunk_MD, chunk_M in zip(
                torch.split(states_MD, _CHUNK), torch.split(targets, _CHUNK), strict=True
            )
        ]
        found: NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()
    return found
