"""The record of fine-tuning: `attempts.json` of a finetune artifact.

    attempts = read_attempts(finetuned)
    attempts.kept["kept_update"], attempts.dev_accuracy

If all training rows are English, the file says `english` where it otherwise says `training`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ATTEMPTS_FILE = "attempts.json"
TRAINING_NAMES = ("english", "training")
"""What the training languages are called in names of fields."""


@dataclass(frozen=True)
class Attempts:
    """All restarts of fine-tuning, and which of them was published."""

    selected_by: str
    """`english`, `training` or `mean`: the dev accuracy that selected the weights."""
    kept: Mapping[str, Any]
    """The record of the published restart."""
    count: int
    """Number of restarts."""
    collapsed_count: int
    """How many restarts ended at chance, the published one included."""

    @property
    def training(self) -> str:
        """What the record calls the training languages."""
        return training_name(self.kept)

    @property
    def dev_accuracy(self) -> float:
        """Mean dev accuracy of the published weights in the training languages."""
        return dev_accuracy(self.kept)

    @property
    def collapsed_rates(self) -> tuple[float, ...]:
        """Learning rates with which the published restart collapsed; the last can be its own."""
        rates = [float(one["learning_rate"]) for one in self.kept["collapsed_tries"]]
        return (*rates, *([float(self.kept["learning_rate"])] if self.kept["collapsed"] else []))

    @property
    def collapses(self) -> tuple[str, ...]:
        """What to warn about: collapses of the published restart, and of others."""
        rates = " and ".join(f"{rate:g}" for rate in self.collapsed_rates)
        others = self.collapsed_count - bool(self.kept["collapsed"])
        texts = (
            f"fine-tuning collapsed with learning rate {rates}" if rates else "",
            f"restarts that collapsed and are not published: {others} of {self.count}"
            if others
            else "",
        )
        return tuple(text for text in texts if text)


def read_attempts(directory: Path) -> Attempts:
    """Read the record of a finetune artifact."""
    content = json.loads((directory / ATTEMPTS_FILE).read_text(encoding="utf-8"))
    attempts = content["attempts"]
    return Attempts(
        selected_by=content["selected_by"],
        kept=attempts[content["kept_restart"]],
        count=len(attempts),
        collapsed_count=sum(bool(one["collapsed"]) for one in attempts),
    )


def training_name(record: Mapping[str, Any]) -> str:
    """What a restart's record calls the training languages."""
    return next(name for name in TRAINING_NAMES if f"{name}_dev" in record)


def dev_accuracy(record: Mapping[str, Any]) -> float:
    """Mean dev accuracy of a restart's kept weights in the training languages."""
    return float(record[f"{training_name(record)}_dev"])
