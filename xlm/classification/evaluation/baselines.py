"""Baselines without the model: the majority label, and a bag of words.

baseline = BagOfWords.fit(train, vocabulary_size=95_000, epochs=20, seed=0)
baseline.predict(test)
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xlm.dataloader.randomness import generator
from xlm.model.classifier import LABELS
from xlm.shards.lines import Lines, NliPairs

_BATCH_ROWS = 256
_LEARNING_RATE = 0.01
_WEIGHT_DECAY = 1e-3


def majority_label(pairs: NliPairs) -> int:
    """The most frequent label; the smallest of equally frequent ones."""
    return int(np.bincount(pairs.labels, minlength=len(LABELS)).argmax())


@dataclass(frozen=True)
class BagOfWords:
    """Logistic regression on word counts of the premise and of the hypothesis."""

    weight_W3: Tensor
    """One row for each id in the premise, then one for each id in the hypothesis."""
    bias_3: Tensor

    @classmethod
    def fit(
        cls, pairs: NliPairs, *, vocabulary_size: int, epochs: int, seed: int, limit: int
    ) -> "BagOfWords":
        """Fit the first `limit` pairs, with Adam and weight decay."""
        weight_W3 = torch.zeros(2 * vocabulary_size, len(LABELS), requires_grad=True)
        bias_3 = torch.zeros(len(LABELS), requires_grad=True)
        model = cls(weight_W3, bias_3)
        adam = torch.optim.AdamW(
            [weight_W3, bias_3], lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY, fused=True
        )
        count = min(limit, len(pairs.labels))
        labels = torch.from_numpy(pairs.labels.astype(np.int64))
        for epoch in range(epochs):
            order = generator(seed, "bag of words", epoch).permutation(count)
            for begin in range(0, count, _BATCH_ROWS):
                rows = order[begin : begin + _BATCH_ROWS]
                loss = F.cross_entropy(model._scores(pairs, rows), labels[rows])
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
        return cls(weight_W3.detach(), bias_3.detach())

    def predict(self, pairs: NliPairs) -> NDArray[np.int64]:
        """Predict the label of each pair, (N,)."""
        rows = np.arange(len(pairs.labels))
        with torch.inference_mode():
            labels: NDArray[np.int64] = self._scores(pairs, rows).argmax(1).numpy()
        return labels

    def _scores(self, pairs: NliPairs, rows: NDArray[np.int64]) -> Tensor:
        size = len(self.weight_W3) // 2
        premise_B3 = F.embedding_bag(*_bags(pairs.premise, rows, 0, self.weight_W3), mode="sum")
        hypothesis_B3 = F.embedding_bag(
            *_bags(pairs.hypothesis, rows, size, self.weight_W3), mode="sum"
        )
        return premise_B3 + hypothesis_B3 + self.bias_3


def _bags(
    lines: Lines, rows: NDArray[np.int64], first: int, weight_W3: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Arguments of `embedding_bag`: the ids of all rows, the weights, the start of each row."""
    starts, lengths = lines.offsets[rows], lines.offsets[rows + 1] - lines.offsets[rows]
    begins = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(begins, lengths)
    ids = lines.ids[np.repeat(starts, lengths) + within].astype(np.int64) + first
    return torch.from_numpy(ids), weight_W3, torch.from_numpy(begins)
