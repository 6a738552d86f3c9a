"""What the UI shows of a run: a card for each stage, and the tables of the evaluation."""

from collections.abc import Sequence
from pathlib import Path

from prefect.artifacts import create_markdown_artifact

from xlm.pipeline.built import Built
from xlm.pipeline.request import RunRequest
from xlm.pipeline.results import results_markdown, vocabulary_markdown
from xlm.pipeline.run import PipelineRun
from xlm.pipeline.tables import stage_card
from xlm.stage import ALL, Node

EVALUATION = Node("evaluate", ALL)
VOCABULARY = Node("vocabulary", ALL)


def publish_stage_card(stage: str, built: Sequence[Built], request: RunRequest, root: Path) -> None:
    """The card of one stage: its totals, then a row for each unit."""
    create_markdown_artifact(
        stage_card(stage, built, request, root), key=stage, description=f"Artifacts of {stage}"
    )


def publish_tables(run: PipelineRun) -> None:
    """XNLI, perplexities and retrieval, and what languages get of the vocabulary, as far as run."""
    if EVALUATION in run.results:
        directory = run.results[EVALUATION].artifact.directory
        create_markdown_artifact(
            results_markdown(directory), key="results", description="XNLI in every language"
        )
    if VOCABULARY in run.results:
        directory = run.results[VOCABULARY].artifact.directory
        create_markdown_artifact(
            vocabulary_markdown(directory), key="languages", description="Tokens per word and more"
        )
