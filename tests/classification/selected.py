"""A select artifact of a sweep with one cell, made in this process."""

import shutil
from pathlib import Path

from tests.training.runs import ALONE
from xlm.classification.launch.jobs import ScoreJob
from xlm.classification.results.attempts import read_attempts
from xlm.classification.results.records import PREDICTIONS_FOLDER
from xlm.classification.selection.choose import choose
from xlm.classification.selection.dev_scores import read_dev_scores
from xlm.classification.selection.records import ScoredCell, write_selection
from xlm.classification.selection.scorer import run_scoring

UNIT = "en.lr0.003.b16.s0"


def select_alone(finetuned: Path, vocabulary: Path, rows: dict[str, Path], folder: Path) -> Path:
    """Score a fine-tuned model and select it; returns the directory of the selection."""
    scored, selected = folder / "scored", folder / "selected"
    for directory in (scored, selected, folder / "scratch", folder / "logs"):
        directory.mkdir(parents=True)
    job = ScoreJob(
        device="cpu", classifier=finetuned, vocabulary=vocabulary, rows=rows, mono={}, pairs={},
        scratch=folder / "scratch", out=scored, logs=folder / "logs",
    )  # fmt: skip
    run_scoring(job, ALONE)
    kept = read_attempts(finetuned).kept
    cell = ScoredCell(
        unit=UNIT, name="en", train=("en",), learning_rate=0.003, batch_pairs=16, seed=0,
        checkpoint="ab" * 32, collapsed=kept["collapsed"], dev=read_dev_scores(scored),
    )  # fmt: skip
    tested = {"zero-shot": {"en": tuple(sorted(rows))}}
    selection = choose([cell], tested, select_by="training", refuse_collapsed=False)
    write_selection(selected, selection)
    shutil.copytree(finetuned, selected, dirs_exist_ok=True)
    shutil.copytree(scored / PREDICTIONS_FOLDER, selected / PREDICTIONS_FOLDER)
    return selected
