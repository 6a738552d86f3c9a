"""What is kept on the disk of a moment that looked wrong: `logs/divergence-RANK/update-N-KIND/`.

    diagnostics = Diagnostics(logs / "divergence-0", module, steps, keep=8, config={...})
    diagnostics.remember(update, norm=1.2, rate=1e-4, loss=loss)      # every update
    diagnostics.write("spike", update, batch, scale=1.0, norm=80.0)   # when it matters

`batch.npz` holds this process's share of the batch, `report.json` the rest: names of the steps,
norms of weights and gradients by parameter, the last updates' numbers, the configuration.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor, nn

from xlm.dataloader.batch import Batch
from xlm.dataloader.tasks import TrainingTask
from xlm.store.disk.filesystem import remove_tree

REMEMBERED: Final = 128
"""Updates whose numbers are in a report."""
_BATCH_FIELDS: Final = (
    "tokens_BT", "languages_BT", "positions_BT", "attention_mask_BT", "task_B",
)  # fmt: skip
_NAMES_IN_FILE: Final = {
    "attention_mask_BT": "real_BT",
    "task_B": "step_B",
    "selected_N": "cells_N",
}
"""Names of arrays in `batch.npz` that differ from ours."""


class Diagnostics:
    """Writes diagnostics of one process and keeps the newest pieces of it."""

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
        """Write diagnostics of the process `rank` of `world_size`, about its share of a batch."""
        self._rank, self._world_size = rank, world_size
        self.directory = directory
        self._module = module
        self._tasks = tasks
        self._keep = keep
        self._config = config
        self._recent: deque[tuple[int, float, float, Tensor]] = deque(maxlen=REMEMBERED)

    def task_names(self, batch: Batch) -> list[str]:
        """The languages and directions that a batch predicts in."""
        return sorted({self._tasks[number].name for number in batch.task_B.tolist()})

    def remember(self, update: int, *, norm: float, rate: float, loss: Tensor) -> None:
        """Keep the numbers of an update; the loss stays on its device until it is asked for."""
        self._recent.append((update, norm, rate, loss.detach()))

    def write(
        self, kind: str, update: int, batch: Batch, *, scale: float, **facts: float | None
    ) -> Path:
        """Write one piece of diagnostics and drop the oldest ones; returns its directory.

        Args:
            batch: that of all processes.
            scale: what gradients must be multiplied with to be as they were before clipping.
            facts: more numbers for the report.
        """
        directory = self.directory / f"update-{update:09d}-{kind}"
        remove_tree(directory)
        directory.mkdir(parents=True)
        np.savez(directory / "batch.npz", **_arrays(batch.share(self._rank, self._world_size)))
        report = {
            "kind": kind,
            "update": update,
            **facts,
            "steps": self.task_names(batch),
            **self._norms(scale),
            "recent": [
                {
                    "update": number,
                    "gradient_norm": norm,
                    "learning_rate": rate,
                    "loss": float(loss),
                }
                for number, norm, rate, loss in self._recent
            ],
            "config": self._config,
        }
        text = json.dumps(report, indent=1)
        (directory / "report.json").write_text(text + "\n", encoding="utf-8")
        drop_oldest(self.directory, self._keep)
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


def kept(write: Callable[[], Path]) -> str:
    """Where diagnostics is, as a clause; a full disk must not end a run that could go on."""
    try:
        return f"diagnostics in {write()}"
    except OSError as error:
        return f"diagnostics cannot be written: {error.strerror or error}"


def _arrays(batch: Batch) -> dict[str, Any]:
    """A batch's fields, and those of its predicted places."""
    fields = {name: getattr(batch, name) for name in _BATCH_FIELDS} | vars(batch.predicted)
    return {
        _NAMES_IN_FILE.get(name, name): array for name, array in fields.items() if array is not None
    }


def drop_oldest(directory: Path, keep: int) -> None:
    """Remove all but the last `keep` entries of a folder whose names count upwards."""
    for path in sorted(directory.iterdir())[:-keep]:
        remove_tree(path)
