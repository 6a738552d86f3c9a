"""Baselines without the model: the majority label, and a bag of words.

baseline = BagOfWords.fit(train, vocabulary_size=95_000, labels=3, epochs=20, seed=0, limit=100_000)
baseline.predict(test)
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xlm.dataloader.randomness import generator
from xlm.shards.lines import Examples, Lines

_BATCH_ROWS = 256
_LEARNING_RATE = 0.01
_WEIGHT_DECAY = 1e-3


@dataclass(frozen=True)
class BagOfWords:
    """Logistic regression on the word counts of each sentence of a row."""

    weight_WC: Tensor
    """One row for each id in the first sentence, then one for each id in the second, if any."""
    bias_C: Tensor

    @classmethod
    def fit(
        cls,
        examples: Examples,
        *,
        vocabulary_size: int,
        labels: int,
        epochs: int,
        seed: int,
        limit: int,
    ) -> "BagOfWords":
        """Fit the first `limit` rows, with Adam and weight decay.

        Args:
            labels: number of labels.
        """
        sentences = 1 if examples.second is None else 2
        weight_WC = torch.zeros(sentences * vocabulary_size, labels, requires_grad=True)
        bias_C = torch.zeros(labels, requires_grad=True)
        model = cls(weight_WC, bias_C)
        adam = torch.optim.AdamW(
            [weight_WC, bias_C], lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY, fused=True
        )
        count = min(limit, len(examples))
        targets_N = torch.from_numpy(examples.labels)
        for epoch in range(epochs):
            order = generator(seed, "bag of words", epoch).permutation(count)
            for begin in range(0, count, _BATCH_ROWS):
                rows = order[begin : begin + _BATCH_ROWS]
                loss = F.cross_entropy(model._scores(examples, rows), targets_N[rows])
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
        return cls(weight_WC.detach(), bias_C.detach())

    def predict(self, examples: Examples) -> NDArray[np.int64]:
        """Predict the label of each row, (N,)."""
        rows = np.arange(len(examples))
        with torch.inference_mode():
            labels: NDArray[np.int64] = self._scores(examples, rows).argmax(1).numpy()
        return labels

    def _scores(self, examples: Examples, rows: NDArray[np.int64]) -> Tensor:
        weight_WC = self.weight_WC
        scores_BC = F.embedding_bag(*_bags(examples.first, rows, 0, weight_WC), mode="sum")
        if examples.second is not None:
            size = len(weight_WC) // 2
            scores_BC = scores_BC + F.embedding_bag(
                *_bags(examples.second, rows, size, weight_WC), mode="sum"
            )
        return scores_BC + self.bias_C


def _bags(
    lines: Lines, rows: NDArray[np.int64], first: int, weight_WC: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Arguments of `embedding_bag`: the ids of all rows, the weights, the start of each row."""
    starts, lengths = lines.offsets[rows], lines.offsets[rows + 1] - lines.offsets[rows]
    begins = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(begins, lengths)
    ids = lines.ids[np.repeat(starts, lengths) + within].astype(np.int64) + first
    return torch.from_numpy(ids), weight_WC, torch.from_numpy(begins)
