"""Sentence retrieval of a loaded model among the user's own pairs.

found = retrieval_of_pairs(model, Pairs(("en", "sw"), english, swahili), pooling="mean", layer=-1)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from xlm.classification.evaluation.intervals import wilson_interval
from xlm.classification.evaluation.retrieval import (
    MIN_PAIRS,
    distinct_pairs,
    line_vectors,
    precisions,
)
from xlm.errors import DataError
from xlm.inference.compute import Pooling
from xlm.inference.model import Model
from xlm.shards.lines import Pairs


def _ignore(_: int) -> None:
    """No progress is shown."""


def _add(progress: Callable[[int], None], before: int, done: int) -> None:
    progress(before + done)


@dataclass(frozen=True)
class Precision:
    """How often the nearest sentence is the translation (P@1), with its Wilson interval."""

    precision: float
    low: float
    high: float


@dataclass(frozen=True)
class PairRetrieval:
    """Retrieval in both directions; `centred` first subtracts the mean of each language."""

    languages: tuple[str, str]
    pairs: int
    """Number of compared pairs."""
    left_out: int
    """Number of pairs with a sentence that is repeated or too long."""
    raw: tuple[Precision, Precision]
    """From the first to the second language, and back."""
    centred: tuple[Precision, Precision]


def retrieval_of_pairs(
    model: Model,
    pairs: Pairs,
    *,
    pooling: Pooling = "mean",
    layer: int = -1,
    limit: int | None = None,
    confidence: float = 0.95,
    progress: Callable[[int], None] = _ignore,
) -> PairRetrieval:
    """P@1 in both directions among the distinct pairs, as the stage `evaluate` measures it.

    Args:
        model: the model.
        pairs: ids without `</s>`.
        pooling: as in `Model.embed`.
        layer: as in `Model.embed`.
        limit: the most distinct pairs; None: all.
        confidence: coverage of the intervals.
        progress: receives the number of sentences so far.

    Raises:
        ConfigError: the model does not have the layer or a language.
        DataError: there are fewer than two distinct pairs.
    """
    number = model.require_vectors(pooling, layer)
    for code in pairs.languages:
        model.require_language(code)
    distinct = distinct_pairs(pairs, longest=model.max_tokens - 2)
    chosen = distinct[:limit]
    if len(chosen) < MIN_PAIRS:
        raise DataError(
            f"{len(chosen)} of {len(pairs.first)} pairs are distinct and short enough, but "
            "retrieval needs 2",
            fix="add pairs",
        )
    vectors = []
    for before, code, lines in zip(
        (0, len(chosen)), pairs.languages, (pairs.first, pairs.second), strict=True
    ):
        vectors_ND = line_vectors(
            model.encoder,
            lines,
            chosen,
            code,
            model.device,
            pooling=pooling,
            layer=number,
            progress=partial(_add, progress, before),
        )
        vectors.append(torch.from_numpy(vectors_ND))
    first_ND, second_ND = vectors

    def both(shares: tuple[float, float]) -> tuple[Precision, Precision]:
        forward, backward = (
            Precision(share, *wilson_interval(round(share * len(chosen)), len(chosen), confidence))
            for share in shares
        )
        return forward, backward

    return PairRetrieval(
        languages=pairs.languages,
        pairs=len(chosen),
        left_out=len(pairs.first) - len(distinct),
        raw=both(precisions(first_ND, second_ND)),
        centred=both(precisions(first_ND - first_ND.mean(0), second_ND - second_ND.mean(0))),
    )
