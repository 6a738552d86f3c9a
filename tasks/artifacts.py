"""What the UI shows of a run: a card for each stage, and the tables of the evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact

from xlm.classification.results.records import read_results
from xlm.config.languages.pairs import ENGLISH
from xlm.config.pipeline import PipelineConfig
from xlm.engine.building.built import Built
from xlm.engine.stage import ALL, Node, Stage
from xlm.pipeline.dag import PipelineRun
from xlm.pipeline.request import RunRequest
from xlm.report.run_results import encoder_origin, results_markdown, vocabulary_markdown
from xlm.report.stage_card import stage_card

EVALUATION = Node("evaluate", ALL)
PRETRAINING = Node("pretrain", ALL)
VOCABULARY = Node("vocabulary", ALL)


def publish_stage_card(
    stage: Stage[PipelineConfig, Any], built: Sequence[Built], request: RunRequest, root: Path
) -> None:
    """The card of one stage: its totals, then a row for each unit."""
    create_markdown_artifact(
        stage_card(stage, built, request, root),
        key=stage.name,
        description=f"Artifacts of {stage.name}",
    )


def publish_tables(run: PipelineRun) -> None:
    """The tables of the evaluation and of the vocabulary, as far as the run has them."""
    if EVALUATION in run.results:
        directory = run.results[EVALUATION].artifact.directory
        pretrained = run.locate(PRETRAINING).directory
        text = f"{results_markdown(directory)}\n\n{encoder_origin(pretrained)}"
        create_markdown_artifact(text, key="results", description="Results in every language")
    if VOCABULARY in run.results:
        directory = run.results[VOCABULARY].artifact.directory
        create_markdown_artifact(
            vocabulary_markdown(directory), key="languages", description="Tokens per word and more"
        )


def accuracy_line(run: PipelineRun) -> list[str]:
    """Mean accuracy of the training languages and of all, where the run has them."""
    if EVALUATION not in run.results:
        return []
    results = read_results(run.results[EVALUATION].artifact.directory)
    name = "English" if results.training_languages == (ENGLISH,) else "training languages"
    shown = {name: results.training_test, "mean": results.averages.test}
    figures = [f"{name} {100 * value:.1f} %" for name, value in shown.items() if value is not None]
    return [f"accuracy: {', '.join(figures)}"] if figures else []
