"""The results of inference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """The label of a text or of a pair of texts."""

    label: str
    """The most probable label."""
    probabilities: Mapping[str, float]
    """The probability of every label, in the order of their ids."""

    @property
    def probability(self) -> float:
        """The probability of the label."""
        return self.probabilities[self.label]


@dataclass(frozen=True)
class Candidate:
    """A token that can stand at the position of a mask."""

    token: str
    """A subword; it ends in `@@` if the word continues after it."""
    probability: float
    """Its share among all tokens of the vocabulary."""
    token_id: int
    """Its id."""


@dataclass(frozen=True)
class Perplexity:
    """The perplexity of texts."""

    value: float
    """The exponential of the mean loss of all predicted tokens; NaN if there are none."""
    tokens: int
    """Number of predicted tokens."""
    unknown: int
    """Number of tokens that are not in the vocabulary; they are not predicted."""
    of_texts: NDArray[np.float64]
    """The perplexity of each text, (N,); NaN where no token is predicted."""
