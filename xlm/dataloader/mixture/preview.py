"""What a run will train on, said before it starts: one row for each language and direction.

rows = mixture(source, config)
rows[0].repetitions  # how often each of its tokens will be seen
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.mixture.shares import SizedStep, objective_shares

if TYPE_CHECKING:  # it brings torch, which a plan does not need
    from xlm.dataloader.loader import BatchSource


@dataclass(frozen=True)
class MixtureRow:
    """One step's part of the run, as expected from its probability."""

    step: str
    lines: int
    tokens: int
    probability: float
    """Among the steps of its objective."""
    updates: float
    """Expected updates' worth of its batches."""
    batch_tokens: float
    """Tokens that it sees in all these."""
    repetitions: float
    """How often each of its tokens is seen."""


def mixture(source: "BatchSource", config: PretrainConfig) -> list[MixtureRow]:
    """The expected mixture of all updates of the run."""
    return [
        _row(step, source.probability(number), source.share_of_updates(step.objective), config)
        for number, step in enumerate(source.steps)
    ]


def expected_mixture(
    steps: Mapping[Objective, Sequence[SizedStep]], config: PretrainConfig
) -> list[MixtureRow]:
    """The same from the sizes of the steps alone, before there are batches."""
    shares = objective_shares(steps, config)
    iteration = sum(share.updates for share in shares.values())
    return [
        _row(step, float(share.probabilities[number]), share.updates / iteration, config)
        for objective, share in shares.items()
        for number, step in enumerate(steps[objective])
    ]


def _row(
    step: SizedStep, probability: float, share_of_updates: float, config: PretrainConfig
) -> MixtureRow:
    updates = config.updates * share_of_updates * probability
    streams = step.objective != "tlm"
    whole = config.stream_rows * config.stream_tokens if streams else config.pair_tokens
    # Each drawn language or direction has an equal part, the last of its batches what is left.
    part = whole // config.languages_per_batch
    batches = max(1, math.ceil(step.tokens / part))
    per_update = step.tokens / batches * config.languages_per_batch
    return MixtureRow(
        step=step.name,
        lines=step.lines,
        tokens=step.tokens,
        probability=probability,
        updates=updates,
        batch_tokens=updates * per_update,
        repetitions=updates * per_update / max(step.tokens, 1),
    )


def write_mixture(path: Path, rows: Sequence[MixtureRow]) -> None:
    """Write the table as JSON."""
    content = [dataclasses.asdict(row) for row in rows]
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def mixture_table(rows: Sequence[MixtureRow]) -> str:
    """The table for people, one line a step."""
    head = f"{'step':<12}{'lines':>12}{'tokens':>15}{'share':>8}{'updates':>11}{'times seen':>12}"
    lines = [
        f"{row.step:<12}{row.lines:>12,}{row.tokens:>15,}{row.probability:>8.3f}"
        f"{row.updates:>11,.0f}{row.repetitions:>12,.2f}"
        for row in rows
    ]
    return "\n".join([head, *lines])
