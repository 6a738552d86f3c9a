"""Reads the cells of a sweep, and copies the files of the one to publish."""

import shutil
from pathlib import Path

from xlm.classification.results.attempts import read_attempts
from xlm.classification.results.records import PREDICTIONS_FOLDER
from xlm.classification.selection.dev_scores import read_dev_scores
from xlm.classification.selection.records import ScoredCell
from xlm.config.training.classification import CellSlice
from xlm.store.manifest import read_manifest


def read_cell(unit: str, cell: CellSlice, finetuned: Path, scored: Path) -> ScoredCell:
    """Read a cell from its finetune and score artifacts.

    Raises:
        StoreError: an artifact has no readable manifest.
    """
    kept = read_attempts(finetuned).kept
    return ScoredCell(
        unit=unit,
        **cell.model_dump(),
        checkpoint=read_manifest(finetuned).digest,
        collapsed=kept["collapsed"],
        collapsed_tries=tuple(kept["collapsed_tries"]),
        dev=read_dev_scores(scored),
    )


def copy_published(out: Path, finetuned: Path, scored: Path) -> None:
    """Copy the files of a fine-tuned model and its predictions of dev rows.

    Raises:
        StoreError: an artifact has no readable manifest.
    """
    (out / PREDICTIONS_FOLDER).mkdir(exist_ok=True)
    for directory, wanted in ((finetuned, ""), (scored, f"{PREDICTIONS_FOLDER}/")):
        for file in read_manifest(directory).files:
            if file.path.startswith(wanted):
                shutil.copyfile(directory / file.path, out / file.path)
