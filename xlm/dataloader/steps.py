"""Training steps: one language's streams, or one direction of a pair.

steps = mono_steps("mlm", data, config, language_id)
steps += pair_steps(data, config, language_id, positions=512)
inputs = steps[0].next_inputs()
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.concatenate import join_translations
from xlm.dataloader.data import TrainingData
from xlm.dataloader.pairs import PAIR_SPECIAL_TOKENS, Groups, group_pairs, joined_tokens
from xlm.dataloader.randomness import generator
from xlm.dataloader.sampler import Walk
from xlm.dataloader.streams import Stream
from xlm.shards.random_access.flat import FlatLines, FlatPairs

LanguageId = Callable[[str], int]


@dataclass(frozen=True)
class Inputs:
    """Unmasked rows of one step; None as in `Batch`."""

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64] | None
    real_BT: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Step:
    """One language or direction: how much there is of it, and its next rows."""

    name: str
    """`clm.sw`, `mlm.sw`, `tlm.en-sw`, or `tlm.sw-en` where Swahili comes first."""
    objective: Objective
    lines: int
    """Training lines or pairs: what its probability follows from."""
    tokens: int
    """Training tokens, those of joined pairs with their four EOS."""
    walk: Walk[Any]
    inputs: Callable[[Any], Inputs]

    def next_inputs(self) -> Inputs:
        """The rows of its next chunk or group of pairs."""
        return self.inputs(self.walk.next())


def mono_steps(
    objective: Objective, data: TrainingData, config: PretrainConfig, language_id: LanguageId
) -> list[Step]:
    """One step for each language that has training lines."""
    return [
        _mono_step(objective, code, lines, config, language_id(code))
        for code, lines in data.mono.items()
        if len(lines)
    ]


def pair_steps(
    data: TrainingData, config: PretrainConfig, language_id: LanguageId, positions: int
) -> list[Step]:
    """Both directions of each pair that has usable training pairs, each with its own order."""
    steps = []
    for name, pairs in data.pairs.items():
        if len(pairs):
            first, second = pairs.languages
            ids = (language_id(first), language_id(second))
            for turned, step_name in ((False, name), (True, f"{second}-{first}")):
                steps.append(_pair_step(f"tlm.{step_name}", pairs, turned, config, ids, positions))
    return steps


def _mono_step(
    objective: Objective, code: str, lines: FlatLines, config: PretrainConfig, language_id: int
) -> Step:
    name = f"{objective}.{code}"
    rows = config.stream_rows // config.languages_per_batch
    stream = Stream(lines, rows=rows, tokens=config.stream_tokens)

    def order(epoch: int) -> NDArray[np.int64]:
        return generator(config.seed, name, epoch).permutation(len(stream))

    def inputs(chunk: np.int64) -> Inputs:
        tokens_BT = stream.chunk(int(chunk))
        return Inputs(tokens_BT, np.full_like(tokens_BT, language_id), None, None)

    return Step(name, objective, len(lines), lines.tokens, Walk(order), inputs)


def _pair_step(
    name: str,
    pairs: FlatPairs,
    turned: bool,
    config: PretrainConfig,
    language_ids: tuple[int, int],
    positions: int,
) -> Step:
    budget = config.pair_tokens // config.languages_per_batch
    tokens = int(pairs.lengths_N2.sum(dtype=np.int64)) + len(pairs) * PAIR_SPECIAL_TOKENS

    def order(epoch: int) -> Groups:
        return group_pairs(
            joined_tokens(pairs.lengths_N2),
            budget,
            generator(config.seed, name, epoch),
            by_length=config.pair_order == "by_length",
        )

    def inputs(group: NDArray[np.uint32]) -> Inputs:
        sides, ids = pairs.take(group), language_ids
        if turned:
            sides, ids = sides[::-1], ids[::-1]
        joined = join_translations(*sides, language_ids=ids, positions=positions)
        return Inputs(joined.tokens_BT, joined.languages_BT, joined.positions_BT, joined.real_BT)

    return Step(name, "tlm", len(pairs), tokens, Walk(order), inputs)
