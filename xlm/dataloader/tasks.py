"""Training tasks: one language of CLM or MLM, or one direction of a pair in TLM (paper 3.1).

tasks = mono_tasks("mlm", data, config, language_id)
tasks += pair_tasks(data, config, language_id, positions=512)
sequences = tasks[0].next_sequences()
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.data import TrainingData
from xlm.dataloader.randomness import generator
from xlm.dataloader.sampling.pairs import (
    PAIR_EOS_TOKENS,
    PairBatches,
    joined_lengths,
    split_into_batches,
)
from xlm.dataloader.sampling.sampler import EpochSampler
from xlm.dataloader.sampling.streams import Stream
from xlm.dataloader.sequences import Sequences, join_translations
from xlm.shards.random_access.flat_copy import FlatLines, FlatPairs

LanguageId = Callable[[str], int]


@dataclass(frozen=True)
class TrainingTask:
    """One language or direction: the size of its data, its sampler, and how to read a sample."""

    name: str
    """`clm.sw`, `mlm.sw`, `tlm.en-sw`, or `tlm.sw-en` where Swahili comes first."""
    objective: Objective
    lines: int
    """Training lines or pairs; they determine the task's probability."""
    tokens: int
    """Training tokens; for pairs, with the four EOS of a joined pair."""
    sampler: EpochSampler[Any]
    read: Callable[[Any], Sequences]
    """The rows of a sample: of a chunk of the streams, or of a batch of pairs."""

    def next_sequences(self) -> Sequences:
        """The rows of the next sample."""
        return self.read(next(self.sampler))


def mono_tasks(
    objective: Objective, data: TrainingData, config: PretrainConfig, language_id: LanguageId
) -> list[TrainingTask]:
    """One task for each language that has training lines."""
    return [
        _mono_task(objective, code, lines, config, language_id(code))
        for code, lines in data.mono.items()
        if len(lines)
    ]


def pair_tasks(
    data: TrainingData, config: PretrainConfig, language_id: LanguageId, positions: int
) -> list[TrainingTask]:
    """Both directions of each pair that has usable training pairs, each with its own order."""
    tasks = []
    for name, pairs in data.pairs.items():
        if len(pairs):
            first, second = pairs.languages
            ids = (language_id(first), language_id(second))
            for swapped, direction in ((False, name), (True, f"{second}-{first}")):
                tasks.append(_pair_task(f"tlm.{direction}", pairs, swapped, config, ids, positions))
    return tasks


def _mono_task(
    objective: Objective, code: str, lines: FlatLines, config: PretrainConfig, language_id: int
) -> TrainingTask:
    name = f"{objective}.{code}"
    rows = config.stream_rows // config.languages_per_batch
    stream = Stream(lines, rows=rows, tokens=config.stream_tokens)

    def order(epoch: int) -> NDArray[np.int64]:
        return generator(config.seed, name, epoch).permutation(len(stream))

    def read(chunk: np.int64) -> Sequences:
        tokens_BT = stream.chunk(int(chunk))
        return Sequences(tokens_BT, np.full_like(tokens_BT, language_id))

    return TrainingTask(name, objective, len(lines), lines.num_tokens, EpochSampler(order), read)


def _pair_task(
    name: str,
    pairs: FlatPairs,
    swapped: bool,
    config: PretrainConfig,
    language_ids: tuple[int, int],
    positions: int,
) -> TrainingTask:
    budget = config.pair_tokens // config.languages_per_batch
    tokens = int(pairs.lengths_N2.sum(dtype=np.int64)) + len(pairs) * PAIR_EOS_TOKENS

    def order(epoch: int) -> PairBatches:
        return split_into_batches(
            joined_lengths(pairs.lengths_N2),
            budget,
            generator(config.seed, name, epoch),
            by_length=config.pair_order == "by_length",
        )

    def read(batch: NDArray[np.uint32]) -> Sequences:
        sides, ids = pairs.take(batch), language_ids
        if swapped:
            sides, ids = sides[::-1], ids[::-1]
        return join_translations(*sides, language_ids=ids, positions=positions)

    return TrainingTask(name, "tlm", len(pairs), tokens, EpochSampler(order), read)
