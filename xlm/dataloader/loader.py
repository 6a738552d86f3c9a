"""The global batch of every update: which tasks it trains on, their rows, their masks.

    loader = BatchLoader(data, config, description, vocabulary.counts)
    batch = loader.next_batch()  # of update 0
    state = loader.state_dict()  # torchdata's stateful protocol

A batch depends on (seed, update) and on how often each task was drawn before, never on the number
of processes: each process assembles the global batch and computes its share of the rows.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.collate import Collator
from xlm.dataloader.data import TrainingData
from xlm.dataloader.mixture.shares import objective_shares
from xlm.dataloader.randomness import generator
from xlm.dataloader.sampling.sampler import SamplerState
from xlm.dataloader.tasks import TrainingTask, mono_tasks, pair_tasks
from xlm.errors import TrainingError
from xlm.model.formats.description import ModelDescription


class LoaderState(TypedDict):
    """Where a loader continues: the next update, and the state of each task's sampler by name."""

    update: int
    samplers: dict[str, SamplerState]


class PrefetchedBatch(NamedTuple):
    """A batch, and the state of the loader after it."""

    batch: Batch
    state: LoaderState


class BatchLoader:
    """Makes batches in the original's order: some CLM updates, then some of MLM, then of TLM."""

    def __init__(
        self,
        data: TrainingData,
        config: PretrainConfig,
        description: ModelDescription,
        counts: NDArray[np.int64],
    ) -> None:
        """`counts`: how often each id occurs in the training data, (V,)."""
        self._config = config
        self._collator = Collator(counts, config)
        language_id, positions = description.language_id, description.model.max_positions
        tasks: dict[Objective, list[TrainingTask]] = {}
        for objective in ("clm", "mlm"):
            if objective in config.objectives:
                tasks[objective] = mono_tasks(objective, data, config, language_id)
        if "tlm" in config.objectives:
            tasks["tlm"] = pair_tasks(data, config, language_id, positions)
        self._shares = objective_shares(tasks, config)
        if not self._shares:
            raise TrainingError(
                f"no training lines for {' and '.join(config.objectives)}",
                fix="check the sources of the languages; mlm and clm need text, tlm needs pairs",
            )
        self.without_data = [name for name in config.objectives if name not in self._shares]
        """Objectives of the config that no task has data for."""
        self.tasks: Sequence[TrainingTask] = [task for found in tasks.values() for task in found]
        self._iteration = [share for share in self._shares.values() for _ in range(share.updates)]
        self._update = 0

    def state_dict(self) -> LoaderState:
        """Everything needed to continue with the next batch."""
        samplers = {task.name: task.sampler.state_dict() for task in self.tasks}
        return LoaderState(update=self._update, samplers=samplers)

    def load_state_dict(self, state_dict: LoaderState) -> None:
        """Continue from a saved state."""
        self._update = state_dict["update"]
        for task in self.tasks:
            task.sampler.load_state_dict(state_dict["samplers"][task.name])

    def objective(self, update: int) -> Objective:
        """The objective that an update trains."""
        return self._iteration[update % len(self._iteration)].objective

    def probability(self, task: int) -> float:
        """The probability of drawing a task, by its index, in an update of its objective."""
        share = self._shares[self.tasks[task].objective]
        return float(share.probabilities[task - share.first])

    def share_of_updates(self, objective: Objective) -> float:
        """The share of all updates that train an objective."""
        return self._shares[objective].updates / len(self._iteration)

    def next_batch(self) -> Batch:
        """The global batch of the next update."""
        update, share = self._update, self._iteration[self._update % len(self._iteration)]
        self._update += 1
        drawn = generator(self._config.seed, "steps", update).choice(
            len(share.probabilities), size=self._config.languages_per_batch, p=share.probabilities
        )
        tasks = [share.first + int(number) for number in drawn]
        rows = [self.tasks[task].next_sequences() for task in tasks]
        return self._collator.collate(share.objective, tasks, rows, update)


def prefetched_batches(loader: BatchLoader) -> Iterator[PrefetchedBatch]:
    """An endless iterator over a loader's batches, each with the state after it.

    A thread can run it ahead of training (`xlm.processes.prefetch`): a checkpoint needs the state
    after the batch that was trained on, not after the newest batch. Nothing else may use the
    loader meanwhile.
    """
    while True:
        yield PrefetchedBatch(loader.next_batch(), loader.state_dict())
