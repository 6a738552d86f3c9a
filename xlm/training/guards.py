"""Stops a run whose numbers are no longer numbers, and keeps what shows why.

guard.check(update, norm, rate, batch)
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from xlm.batches.batch import Batch
from xlm.batches.steps import Step
from xlm.errors import TrainingError


class DivergenceGuard:
    """Looks at the gradient norm: it is not finite as soon as any process's loss is not."""

    def __init__(self, module: nn.Module, steps: Sequence[Step], evidence: Path) -> None:
        self._module = module
        self._steps = steps
        self._evidence = evidence

    def check(self, update: int, norm: float, rate: float, batch: Batch) -> None:
        """Do nothing while the norm is finite.

        Raises:
            TrainingError: it is not; batch and gradients of the update are on the disk.
        """
        if math.isfinite(norm):
            return
        names = sorted({self._steps[number].name for number in batch.step_B.tolist()})
        self._evidence.mkdir(parents=True, exist_ok=True)
        np.savez(self._evidence / "batch.npz", tokens=batch.tokens_BT, **vars(batch.predicted))
        gradients = {
            name: float(parameter.grad.norm())
            for name, parameter in self._module.named_parameters()
            if parameter.grad is not None
        }
        report = {
            "update": update,
            "learning_rate": rate,
            "steps": names,
            "not_finite_gradients": [n for n, v in gradients.items() if not math.isfinite(v)],
            "gradient_norms": {n: v for n, v in gradients.items() if math.isfinite(v)},
        }
        text = json.dumps(report, indent=1)
        (self._evidence / "report.json").write_text(text + "\n", encoding="utf-8")
        raise TrainingError(
            f"loss or gradient is not finite at update {update} ({' '.join(names)})",
            fix=f"lower the learning rate or lengthen the warm-up; evidence in {self._evidence}",
        )
