"""What the UI shows of a run: a card for each stage, the tables of the evaluation, the report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact

from xlm.classification.results.records import read_results
from xlm.config.languages.pairs import ENGLISH
from xlm.config.pipeline import PipelineConfig
from xlm.engine.building.built import Built
from xlm.engine.stage import ALL, Node, Stage
from xlm.pipeline.dag import PipelineRun
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import read_record, report_path
from xlm.report.page.write import write_report
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


def publish_report(run: PipelineRun, record: Path) -> None:
    """Write the report of a run next to its record, with a link in the UI.

    A run that has ended does not fail because of its report: that is a warning.
    """
    try:
        path = report_path(record)
        values = read_record(record)
        write_report(run.store, values, path)
        if not run.interruption:
            create_link_artifact(
                # Relative, because the port of our server changes: flows/server/reports.py.
                f"reports/{path.name}",
                link_text="Open the report",
                key="report",
                description=f"One page with everything that this run has: `{path}`. Written again "
                f"by `xlm report {values['number']} --root {run.store.root}`.",
            )
    except Exception as error:  # whatever it is, the work of the run is done
        get_run_logger().warning("there is no report of this run: %s", error)


def accuracy_line(run: PipelineRun) -> list[str]:
    """Mean accuracy of the training languages and of all, where the run has them."""
    if EVALUATION not in run.results:
        return []
    results = read_results(run.results[EVALUATION].artifact.directory)
    name = "English" if results.training_languages == (ENGLISH,) else "training languages"
    shown = {name: results.training_test, "mean": results.averages.test}
    figures = [f"{name} {100 * value:.1f} %" for name, value in shown.items() if value is not None]
    return [f"accuracy: {', '.join(figures)}"] if figures else []
