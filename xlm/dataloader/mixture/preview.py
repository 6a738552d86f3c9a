"""What a run will train on, reported before it starts: one row per language and direction.

rows = mixture(loader, config)
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
from xlm.dataloader.mixture.shares import SizedTask, objective_shares
from xlm.errors import DataError

if TYPE_CHECKING:  # the loader imports torch, which a plan does not need
    from xlm.dataloader.loader import BatchLoader

MIXTURE_FILE = "mixture.json"
"""Name of the table in the pretrain artifact."""


@dataclass(frozen=True)
class MixtureRow:
    """The expected part of one task in the run."""

    task: str
    lines: int
    tokens: int
    probability: float
    """Of the task, in an update of its objective."""
    updates: float
    """Expected number of updates, where an update of several tasks counts in parts."""
    batch_tokens: float
    """Tokens of the task in all these updates."""
    repetitions: float
    """How often each of its tokens is seen."""


def mixture(loader: "BatchLoader", config: PretrainConfig) -> list[MixtureRow]:
    """The expected mixture of all updates of the run."""
    return [
        _row(task, loader.probability(number), loader.share_of_updates(task.objective), config)
        for number, task in enumerate(loader.tasks)
    ]


def expected_mixture(
    tasks: Mapping[Objective, Sequence[SizedTask]], config: PretrainConfig
) -> list[MixtureRow]:
    """The same mixture from the sizes of the tasks alone, for a plan without data."""
    shares = objective_shares(tasks, config)
    iteration = sum(share.updates for share in shares.values())
    return [
        _row(task, float(share.probabilities[number]), share.updates / iteration, config)
        for objective, share in shares.items()
        for number, task in enumerate(tasks[objective])
    ]


def _row(
    task: SizedTask, probability: float, share_of_updates: float, config: PretrainConfig
) -> MixtureRow:
    updates = config.updates * share_of_updates * probability
    is_stream = task.objective != "tlm"
    budget = config.stream_rows * config.stream_tokens if is_stream else config.pair_tokens
    # The sampled tasks of an update share its budget equally. The last sample of an epoch has
    # fewer tokens, hence the mean over all samples of the epoch.
    samples = max(1, math.ceil(task.tokens / (budget // config.languages_per_batch)))
    tokens_per_update = task.tokens / samples * config.languages_per_batch
    return MixtureRow(
        task=task.name,
        lines=task.lines,
        tokens=task.tokens,
        probability=probability,
        updates=updates,
        batch_tokens=updates * tokens_per_update,
        repetitions=updates * tokens_per_update / max(task.tokens, 1),
    )


def read_mixture(path: Path) -> list[MixtureRow]:
    """Read the file that `write_mixture` wrote.

    Raises:
        DataError: it is damaged.
    """
    try:
        records = json.loads(path.read_bytes())
        return [MixtureRow(task=record.pop("step"), **record) for record in records]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}", fix="rebuild the artifact") from error


def write_mixture(path: Path, rows: Sequence[MixtureRow]) -> None:
    """Write the table as JSON; the file calls the task `step`."""
    records = map(dataclasses.asdict, rows)
    content = [{"step": record.pop("task"), **record} for record in records]
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def mixture_table(rows: Sequence[MixtureRow]) -> str:
    """The table as plain text, one line per task."""
    head = f"{'task':<12}{'lines':>12}{'tokens':>15}{'share':>8}{'updates':>11}{'times seen':>12}"
    lines = [
        f"{row.task:<12}{row.lines:>12,}{row.tokens:>15,}{row.probability:>8.3f}"
        f"{row.updates:>11,.0f}{row.repetitions:>12,.2f}"
        for row in rows
    ]
    return "\n".join([head, *lines])
