"""The global batch of every update: which steps it trains on, their rows, their masks.

    source = BatchSource(data, config, description, vocabulary.counts)
    batch = source.next_batch()  # of update 0

Everything depends on (seed, update) and on how often each step was drawn before, never on the
number of processes: each assembles the whole batch and computes its share of the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.data import TrainingData
from xlm.dataloader.masking.collate import Filling
from xlm.dataloader.mixture.shares import objective_shares
from xlm.dataloader.randomness import generator
from xlm.dataloader.sampler import Cursor
from xlm.dataloader.steps import Step, mono_steps, pair_steps
from xlm.errors import TrainingError
from xlm.model.formats.description import ModelDescription


@dataclass(frozen=True)
class Position:
    """All that is needed to go on: the next update and where each step's walk is."""

    update: int
    cursors: Mapping[str, Cursor]


class BatchSource:
    """Draws batches in the original's order: some CLM updates, some of MLM, then some of TLM."""

    def __init__(
        self,
        data: TrainingData,
        config: PretrainConfig,
        description: ModelDescription,
        counts: NDArray[np.int64],
    ) -> None:
        self._config = config
        self._fill = Filling(counts, config)
        language_id, positions = description.language_id, description.model.max_positions
        steps: dict[Objective, list[Step]] = {}
        for objective in ("clm", "mlm"):
            if objective in config.objectives:
                steps[objective] = mono_steps(objective, data, config, language_id)
        if "tlm" in config.objectives:
            steps["tlm"] = pair_steps(data, config, language_id, positions)
        self._kinds = objective_shares(steps, config)
        if not self._kinds:
            raise TrainingError(
                f"no training lines for {' and '.join(config.objectives)}",
                fix="check the shards of the languages, or add objective mlm",
            )
        self.without_data = [kind for kind in config.objectives if kind not in self._kinds]
        self.steps: Sequence[Step] = [step for found in steps.values() for step in found]
        self._iteration = [kind for kind in self._kinds.values() for _ in range(kind.updates)]
        self._update = 0

    @property
    def position(self) -> Position:
        """Where the next batch begins."""
        return Position(self._update, {step.name: step.walk.position for step in self.steps})

    def move(self, position: Position) -> None:
        """Go on from an earlier position."""
        self._update = position.update
        for step in self.steps:
            step.walk.move(position.cursors[step.name])

    def objective(self, update: int) -> Objective:
        """What an update trains on."""
        return self._iteration[update % len(self._iteration)].objective

    def probability(self, number: int) -> float:
        """How likely step `number` is drawn for an update of its objective."""
        kind = self._kinds[self.steps[number].objective]
        return float(kind.probabilities[number - kind.first])

    def share_of_updates(self, objective: Objective) -> float:
        """Part of all updates that train on an objective."""
        return self._kinds[objective].updates / len(self._iteration)

    def next_batch(self) -> Batch:
        """The global batch of the next update."""
        update, kind = self._update, self._iteration[self._update % len(self._iteration)]
        self._update += 1
        drawn = generator(self._config.seed, "steps", update).choice(
            len(kind.probabilities), size=self._config.languages_per_batch, p=kind.probabilities
        )
        numbers = [kind.first + int(number) for number in drawn]
        rows = [self.steps[number].next_inputs() for number in numbers]
        return self._fill.batch(kind.objective, numbers, rows, update)
