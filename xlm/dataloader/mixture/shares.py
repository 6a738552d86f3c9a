"""How often each training task is sampled: the original's iteration and language sampling.

sampling_probabilities([1_000_000, 10_000], alpha=0.7)  # [0.9617, 0.0383]
shares = objective_shares({"mlm": languages, "tlm": directions}, config)
shares["mlm"].probabilities  # of each language, in an MLM update
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig


class SizedTask(Protocol):
    """The size of a task's data, from which its probability and its repetitions follow."""

    @property
    def name(self) -> str:
        """`mlm.sw`, `tlm.en-sw`."""

    @property
    def objective(self) -> Objective:
        """The objective that it trains."""

    @property
    def lines(self) -> int:
        """Training lines or pairs."""

    @property
    def tokens(self) -> int:
        """Training tokens, one EOS per line and four per pair included."""


@dataclass(frozen=True)
class ObjectiveShare:
    """The tasks of one objective in an iteration of all objectives."""

    objective: Objective
    first: int
    """The index of its first task among the tasks of all objectives."""
    probabilities: NDArray[np.float64]
    """Of each of its tasks, in an update of this objective."""
    updates: int
    """Updates in one iteration."""


def sampling_probabilities(sizes: Sequence[int], alpha: float) -> NDArray[np.float64]:
    """Shares of the lines to the power of alpha, normalised (paper 3.1)."""
    shares = np.asarray(sizes, dtype=np.float64)
    if not len(shares):
        return shares
    powered: NDArray[np.float64] = (shares / shares.sum()) ** alpha
    probabilities: NDArray[np.float64] = powered / powered.sum()
    return probabilities


def objective_shares(
    tasks: Mapping[Objective, Sequence[SizedTask]], config: PretrainConfig
) -> dict[Objective, ObjectiveShare]:
    """The share of each objective that has tasks; task indices follow the mapping's order."""
    shares, first = {}, 0
    for objective, found in tasks.items():
        if found:
            # In an iteration, an objective has at most as many updates as tasks.
            limit = config.pair_steps if objective == "tlm" else config.mono_steps
            sizes = [task.lines for task in found]
            probabilities = sampling_probabilities(sizes, config.language_alpha)
            updates = min(limit, len(found))
            shares[objective] = ObjectiveShare(objective, first, probabilities, updates)
        first += len(found)
    return shares
