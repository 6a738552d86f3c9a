"""How often each training step is drawn: the original's iteration and its sampling.

    shares = objective_shares({"mlm": languages, "tlm": directions}, config)
    shares["mlm"].probabilities  # of each language, for an MLM update

A step is one language of an objective, or one direction of a pair (paper 3.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.mixture.sampling import sampling_probabilities


class SizedStep(Protocol):
    """What decides how often a step is drawn, and how often each of its tokens is seen."""

    @property
    def name(self) -> str:
        """`mlm.sw`, `tlm.en-sw`."""

    @property
    def objective(self) -> Objective:
        """What it trains."""

    @property
    def lines(self) -> int:
        """Training lines or pairs."""

    @property
    def tokens(self) -> int:
        """Training tokens, each line with its EOS, each pair with its four."""


@dataclass(frozen=True)
class ObjectiveShare:
    """The steps of one objective: their first number, their probabilities, updates together."""

    objective: Objective
    first: int
    probabilities: NDArray[np.float64]
    updates: int
    """In one iteration."""


def objective_shares(
    steps: Mapping[Objective, Sequence[SizedStep]], config: PretrainConfig
) -> dict[Objective, ObjectiveShare]:
    """The share of every objective that has steps; steps are numbered in the mapping's order."""
    shares, first = {}, 0
    for objective, found in steps.items():
        if found:
            # An iteration draws at most as many steps of an objective as there are.
            limit = config.pair_steps if objective == "tlm" else config.mono_steps
            probabilities = sampling_probabilities([s.lines for s in found], config.language_alpha)
            updates = min(limit, len(found))
            shares[objective] = ObjectiveShare(objective, first, probabilities, updates)
        first += len(found)
    return shares
