"""The curves of a run, as JSON lines.

`metrics.jsonl` holds what the rules determine and is part of the artifact; `speed.jsonl` holds what
was measured and lies in the logs.

    lines = JsonLines(scratch / "metrics.jsonl")
    lines.append({"step": 50, "loss": {"mlm": 5.2}})
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from xlm.dataloader.tasks import TrainingTask

LOSS, CELLS = range(2)


class JsonLines:
    """Appends one record a line to what is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        self._size_bytes = path.stat().st_size

    def append(self, record: Mapping[str, object]) -> None:
        """Write one record, the whole line or nothing of it."""
        line = (json.dumps(record) + "\n").encode()
        try:
            with self._path.open("ab") as file:
                file.write(line)
        except OSError:
            with suppress(OSError):
                os.truncate(self._path, self._size_bytes)
            raise
        self._size_bytes += len(line)


class LossSums:
    """Losses by training task since the last report, kept in this process until then."""

    def __init__(self, tasks: Sequence[TrainingTask], device: torch.device) -> None:
        self._tasks = tasks
        self.sums_K2 = torch.zeros(len(tasks), 2, dtype=torch.float64, device=device)

    def add(self, task_N: Tensor, losses_N: Tensor) -> None:
        """Add the losses of one update."""
        values_N2 = torch.stack([losses_N, torch.ones_like(losses_N)], dim=1)
        self.sums_K2.index_add_(0, task_N, values_N2.to(torch.float64))

    def report(self, total_K2: Tensor) -> dict[str, dict[str, float]]:
        """Mean loss of each objective and task that was trained, from the sums of all processes."""
        rows = total_K2.tolist()
        by_task = {
            task.name: row[LOSS] / row[CELLS]
            for task, row in zip(self._tasks, rows, strict=True)
            if row[CELLS]
        }
        by_objective: dict[str, float] = {}
        for objective in dict.fromkeys(task.objective for task in self._tasks):
            chosen = [
                row
                for task, row in zip(self._tasks, rows, strict=True)
                if task.objective == objective
            ]
            cells = sum(row[CELLS] for row in chosen)
            if cells:
                by_objective[objective] = sum(row[LOSS] for row in chosen) / cells
        return {"loss": by_objective, "loss_by_step": by_task}
