"""One row for each accuracy that a sweep measured, in `results.json` of an evaluate artifact.

    rows = read_results(evaluated).accuracies
    [row.accuracy for row in rows if row.split == "test" and row.rule == "mean"]

Dev rows exist for every cell of the sweep. Test rows exist for the cells that a rule selected: the
test set is not read for the others.
"""

from typing import Literal

from pydantic import Field

from xlm.config.training.sweep import Setting
from xlm.engine.config import Config

Rule = Literal["training", "mean", "language"]
"""What selects a cell: the mean dev accuracy of the training languages, that of all languages, or
the dev accuracy in the language that is tested, so that each language may have another cell."""


class Accuracy(Config):
    """How many rows of a split one fine-tuned model labels correctly in one language."""

    setting: Setting
    rule: Rule | None = Field(
        None, description="The rule that selected the cell for test; None: dev, of every cell."
    )
    language: str
    split: Literal["dev", "test"]
    seed: int
    cell: str = Field(description="Unit of the finetune artifact: `en.lr5e-06.b8.s0`.")
    learning_rate: float = Field(
        description="That of the cell; a retried model was trained with a lower one."
    )
    batch_pairs: int
    checkpoint: str = Field(description="Digest of the finetune artifact.")
    collapsed: bool = Field(
        False, description="Whether dev accuracy of the kept restart never exceeded chance."
    )
    retried: bool = Field(
        False,
        description="Whether a first try of the kept restart with this learning rate collapsed, so "
        "that the model was trained with a lower one.",
    )
    n: int
    correct: int

    @property
    def accuracy(self) -> float:
        """The share of correct rows, from 0 to 1."""
        return self.correct / self.n if self.n else 0.0
