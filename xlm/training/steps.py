"""Training steps: one language's streams, or one direction of a pair.

steps = mono_steps(corpus, config, language_id) + pair_steps(corpus, config, language_id, 512)
inputs = steps[0].next_inputs()
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xlm.config.training import PretrainConfig
from xlm.shards.reader import Pairs
from xlm.training.concatenate import join_translations
from xlm.training.data import Corpus
from xlm.training.pairs import PAIR_SPECIALS, group_pairs, pair_tokens, usable_pairs
from xlm.training.randomness import generator
from xlm.training.streams import Stream
from xlm.training.walk import Walk

LanguageId = Callable[[str], int]
Objective = Literal["mlm", "tlm"]


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
    """`mlm.sw`, `tlm.en-sw`, or `tlm.sw-en` where Swahili comes first."""
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


def mono_steps(corpus: Corpus, config: PretrainConfig, language_id: LanguageId) -> list[Step]:
    """One step for each language that has training lines."""
    return [
        _mono_step(code, corpus, config, language_id(code))
        for code in corpus.mono
        if len(corpus.mono[code])
    ]


def pair_steps(
    corpus: Corpus, config: PretrainConfig, language_id: LanguageId, positions: int
) -> list[Step]:
    """Both directions of each pair that has usable training pairs, each with its own order.

    A side must fit the table of `positions` with its two EOS, as in validation.
    """
    steps = []
    longest = min(config.pair_max_tokens, positions - PAIR_SPECIALS // 2)
    for name, pairs in corpus.pairs.items():
        kept = usable_pairs(pairs, longest)
        if len(kept):
            first, second = pairs.languages
            ids = (language_id(first), language_id(second))
            turned = Pairs((second, first), pairs.second, pairs.first)
            steps.append(_pair_step(f"tlm.{name}", pairs, kept, config, ids, positions))
            steps.append(
                _pair_step(f"tlm.{second}-{first}", turned, kept, config, ids[::-1], positions)
            )
    return steps


def _mono_step(code: str, corpus: Corpus, config: PretrainConfig, language_id: int) -> Step:
    name, lines = f"mlm.{code}", corpus.mono[code]
    rows = config.stream_rows // config.languages_per_batch
    stream = Stream(lines.ids, rows=rows, tokens=config.stream_tokens)

    def order(epoch: int) -> list[int]:
        chunks: list[int] = generator(config.seed, name, epoch).permutation(len(stream)).tolist()
        return chunks

    def inputs(chunk: int) -> Inputs:
        tokens_BT = stream.chunk(chunk)
        return Inputs(tokens_BT, np.full_like(tokens_BT, language_id), None, None)

    return Step(name, "mlm", len(lines), len(lines.ids), Walk(order), inputs)


def _pair_step(
    name: str,
    pairs: Pairs,
    kept: NDArray[np.int64],
    config: PretrainConfig,
    language_ids: tuple[int, int],
    positions: int,
) -> Step:
    lengths = pair_tokens(pairs)[kept]
    budget = config.pair_tokens // config.languages_per_batch

    def order(epoch: int) -> list[NDArray[np.int64]]:
        return group_pairs(lengths, budget, generator(config.seed, name, epoch))

    def inputs(group: NDArray[np.int64]) -> Inputs:
        joined = join_translations(
            pairs.first, pairs.second, kept[group], language_ids=language_ids, positions=positions
        )
        return Inputs(joined.tokens_BT, joined.languages_BT, joined.positions_BT, joined.real_BT)

    return Step(name, "tlm", len(kept), int(lengths.sum()), Walk(order), inputs)
