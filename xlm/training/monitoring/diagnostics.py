"""Diagnostics of updates that look wrong: `logs/divergence-RANK/update-N-KIND/`.

    diagnostics = Diagnostics(logs / "divergence-0", encoder, loader.tasks, keep=8, config={...})
    diagnostics.remember(update)                          # every update
    diagnostics.write("spike", update, scale=1.0, ...)    # an update that looks wrong

`batch.npz` holds the part of the batch that this process computes. `report.json` holds the names of
the tasks, norms of weights and gradients by parameter, numbers of the recent updates, and the
configuration.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from xlm.dataloader.batch import Batch
from xlm.dataloader.tasks import TrainingTask
from xlm.store.disk.filesystem import remove_tree
from xlm.training.update import PendingUpdate

REMEMBERED: Final = 128
"""Number of recent updates in a report."""
_BATCH_FIELDS: Final = (
    "tokens_BT", "languages_BT", "positions_BT", "attention_mask_BT", "task_B",
)  # fmt: skip
_NAMES_IN_FILE: Final = {
    "attention_mask_BT": "real_BT",
    "task_B": "step_B",
    "selected_N": "cells_N",
}
"""Arrays that have another name in `batch.npz`."""


class Diagnostics:
    """Writes diagnostics of one process and keeps the newest."""

    def __init__(
        self,
        directory: Path,
        module: nn.Module,
        tasks: Sequence[TrainingTask],
        *,
        keep: int,
        config: Mapping[str, Any],
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Write to `directory`, about the process `rank` of `world_size`.

        Args:
            keep: number of diagnostics to keep.
            config: configuration of the run, for the report.
        """
        self._rank, self._world_size = rank, world_size
        self.directory = directory
        self._module = module
        self._tasks = tasks
        self._keep = keep
        self._config = config
        self._recent: deque[tuple[int, float, float, Any]] = deque(maxlen=REMEMBERED)

    def task_names(self, batch: Batch) -> list[str]:
        """The tasks of a batch: languages and directions."""
        return sorted({self._tasks[number].name for number in batch.task_B.tolist()})

    def remember(self, update: PendingUpdate) -> None:
        """Keep the numbers of an update; its loss stays on the device until a report needs it."""
        self._recent.append(
            (update.number, update.gradient_norm, update.learning_rate, update.loss.detach())
        )

    def write(
        self, kind: str, update: PendingUpdate, *, scale: float, **facts: float | None
    ) -> Path:
        """Write the diagnostics of an update and delete the oldest ones; returns their directory.

        Args:
            scale: factor between the gradients before clipping and those after it.
            facts: further numbers for the report.
        """
        directory = self.directory / f"update-{update.number:09d}-{kind}"
        remove_tree(directory)
        directory.mkdir(parents=True)
        share = update.batch.share(self._rank, self._world_size)
        np.savez(directory / "batch.npz", **_arrays(share))
        report = {
            "kind": kind,
            "update": update.number,
            **facts,
            "steps": self.task_names(update.batch),
            **self._norms(scale),
            "recent": [
                {
                    "update": number,
                    "gradient_norm": norm,
                    "learning_rate": learning_rate,
                    "loss": float(loss),
                }
                for number, norm, learning_rate, loss in self._recent
            ],
            "config": self._config,
        }
        text = json.dumps(report, indent=1)
        (directory / "report.json").write_text(text + "\n", encoding="utf-8")
        keep_newest(self.directory, self._keep)
        return directory

    def _norms(self, scale: float) -> dict[str, Any]:
        weights, gradients = {}, {}
        for name, parameter in self._module.named_parameters():
            weights[name] = float(parameter.detach().norm())
            if parameter.grad is not None:
                gradients[name] = float(parameter.grad.norm()) * scale
        return {
            "not_finite_weights": [n for n, v in weights.items() if not math.isfinite(v)],
            "not_finite_gradients": [n for n, v in gradients.items() if not math.isfinite(v)],
            "gradient_norms": {n: v for n, v in gradients.items() if math.isfinite(v)},
            "weight_norms": {n: v for n, v in weights.items() if math.isfinite(v)},
        }


def try_write(write: Callable[[], Path]) -> str:
    """Write diagnostics; returns a clause about where they are, or why they cannot be written.

    A full disk must not stop a run that could continue.
    """
    try:
        return f"diagnostics in {write()}"
    except OSError as error:
        return f"diagnostics cannot be written: {error.strerror or error}"


def keep_newest(directory: Path, keep: int) -> None:
    """Delete all but the last `keep` entries of a folder, in the order of their names."""
    for path in sorted(directory.iterdir())[:-keep]:
        remove_tree(path)


def _arrays(batch: Batch) -> dict[str, Any]:
    """The arrays of a batch and of its predicted positions."""
    fields = {name: getattr(batch, name) for name in _BATCH_FIELDS} | vars(batch.predicted)
    return {
        _NAMES_IN_FILE.get(name, name): array for name, array in fields.items() if array is not None
    }
