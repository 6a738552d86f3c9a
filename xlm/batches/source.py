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

from xlm.batches.batch import Batch, join_batches
from xlm.batches.data import TrainingData
from xlm.batches.masking import Masker
from xlm.batches.randomness import generator
from xlm.batches.sampling import sampling_probabilities
from xlm.batches.steps import Objective, Step, mono_steps, pair_steps
from xlm.batches.walk import Cursor
from xlm.config.training import PretrainConfig
from xlm.errors import TrainingError
from xlm.model.description import ModelDescription


@dataclass(frozen=True)
class Position:
    """All that is needed to go on: the next update and where each step's walk is."""

    update: int
    cursors: Mapping[str, Cursor]


class BatchSource:
    """Draws batches in the original's order: some MLM updates, then some TLM updates."""

    def __init__(
        self,
        data: TrainingData,
        config: PretrainConfig,
        description: ModelDescription,
        counts: NDArray[np.int64],
    ) -> None:
        self._config = config
        self._masker = Masker(counts, config.sample_alpha, predict_specials=config.predict_specials)
        language_id = description.language_id
        mono = mono_steps(data, config, language_id)
        pair = pair_steps(data, config, language_id, description.model.max_positions)
        if not mono and not pair:
            raise TrainingError(
                f"no training lines for {' and '.join(config.objectives)}",
                fix="check the shards of the languages, or add objective mlm",
            )
        self.steps: Sequence[Step] = mono + pair
        self._first = {"mlm": 0, "tlm": len(mono)}
        self._probabilities = {
            "mlm": sampling_probabilities([s.lines for s in mono], config.language_alpha),
            "tlm": sampling_probabilities([s.lines for s in pair], config.language_alpha),
        }
        # XLM: an iteration draws min(5, number of steps) steps of each kind (spec 3.6).
        self._mono_updates = min(config.mono_steps, len(mono))
        self._pair_updates = min(config.pair_steps, len(pair))
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
        within = update % (self._mono_updates + self._pair_updates)
        return "mlm" if within < self._mono_updates else "tlm"

    def probability(self, number: int) -> float:
        """How likely step `number` is drawn for an update of its objective."""
        objective = self.steps[number].objective
        return float(self._probabilities[objective][number - self._first[objective]])

    def share_of_updates(self, objective: Objective) -> float:
        """Part of all updates that train on an objective."""
        total = self._mono_updates + self._pair_updates
        return (self._mono_updates if objective == "mlm" else self._pair_updates) / total

    def next_batch(self) -> Batch:
        """The global batch of the next update."""
        update, objective = self._update, self.objective(self._update)
        self._update += 1
        probabilities = self._probabilities[objective]
        drawn = generator(self._config.seed, "steps", update).choice(
            len(probabilities), size=self._config.languages_per_batch, p=probabilities
        )
        numbers = [self._first[objective] + int(number) for number in drawn]
        return join_batches(
            [self._part(number, update, part) for part, number in enumerate(numbers)]
        )

    def _part(self, number: int, update: int, part: int) -> Batch:
        step, config = self.steps[number], self._config
        inputs = step.next_inputs()
        masked = self._masker.mask(
            inputs.tokens_BT,
            inputs.real_BT,
            rate=config.mlm_mask_rate if step.objective == "mlm" else config.tlm_mask_rate,
            random=generator(config.seed, "mask", update, part),
        )
        return Batch(
            tokens_BT=masked.tokens_BT,
            languages_BT=inputs.languages_BT,
            positions_BT=inputs.positions_BT,
            real_BT=inputs.real_BT,
            selected_N=masked.selected_N,
            targets_N=masked.targets_N,
            step_N=np.full(len(masked.selected_N), number, dtype=np.int64),
        )
