"""The record of a selection: `selection.json` of a select artifact.

selection = read_selection(selected)
selection.published, [choice.cell for choice in selection.choices]
"""

from pathlib import Path

from pydantic import Field, ValidationError

from xlm.classification.results.accuracies import Rule
from xlm.classification.selection.dev_scores import DevScore
from xlm.config.training.sweep import Setting
from xlm.engine.config import Config
from xlm.errors import DataError

SELECTION_FILE = "selection.json"


class ScoredCell(Config):
    """A fine-tuned model of the sweep with its dev scores."""

    unit: str = Field(description="Unit of the finetune artifact: `en.lr5e-06.b8.s0`.")
    name: str = Field(description="Name of the training rows: `en`, `all`.")
    train: tuple[str, ...] = Field(description="Languages of the training rows.")
    learning_rate: float = Field(
        description="That of the cell; after a collapsed try, a lower one was used."
    )
    batch_pairs: int
    seed: int
    checkpoint: str = Field(description="Digest of the finetune artifact.")
    collapsed: bool = Field(description="Whether dev accuracy never exceeded chance.")
    collapsed_tries: tuple[dict[str, float | str], ...] = Field(
        (), description="Earlier tries with a higher learning rate, which collapsed."
    )
    dev: dict[str, DevScore] = Field(description="Dev scores by language.")


class Choice(Config):
    """The cell that one rule selects for one language, among the cells of one seed."""

    setting: Setting
    rule: Rule
    seed: int
    language: str = Field(description="The language whose test rows the model is tested on.")
    cell: str


class Selection(Config):
    """All cells, and what each rule selected."""

    published: str = Field(description="Unit of the cell whose weights are published.")
    selected_by: Rule = Field(description="The rule that selected it, among all seeds.")
    cells: tuple[ScoredCell, ...]
    choices: tuple[Choice, ...]

    def cell(self, unit: str) -> ScoredCell:
        """The cell of a unit."""
        return next(cell for cell in self.cells if cell.unit == unit)


def write_selection(directory: Path, selection: Selection) -> None:
    """Write `selection.json`."""
    text = selection.model_dump_json(indent=1)
    (directory / SELECTION_FILE).write_text(text + "\n", encoding="utf-8")


def read_selection(directory: Path) -> Selection:
    """Read the selection of a select artifact.

    Raises:
        DataError: the file is missing or has another format.
    """
    path = directory / SELECTION_FILE
    try:
        return Selection.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError) as error:
        raise DataError(f"{path} is not a selection", fix="rebuild the select artifact") from error
