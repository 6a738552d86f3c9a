"""The results of a run, which `xlm results`, the UI and the docs show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm.classification.results.records import Results, read_results
from xlm.classification.results.tables import tables
from xlm.config.languages.names import declared_names
from xlm.display.markdown import stack_words, table
from xlm.errors import StoreError
from xlm.pipeline.request import RunRequest
from xlm.release.fertility import VocabularyCoverage, fertility_table, read_report
from xlm.store.manifest import read_manifest
from xlm.training.launch.job import METRICS_FILE
from xlm.training.records.curves import trained_objectives


def results_markdown(directory: Path) -> str:
    """Render the tables of an evaluate artifact as Markdown."""
    found = tables(read_results(directory), names_of(directory))
    return "\n\n".join(
        f"## {one.title}\n\n{table(stack_words(one.header), one.rows)}" for one in found
    )


def vocabulary_markdown(directory: Path) -> str:
    """Render the coverage of a vocabulary artifact as Markdown; empty without a report."""
    found = fertility_table(read_report(directory), names_of(directory))
    return f"## {found.title}\n\n{table(stack_words(found.header), found.rows)}" if found else ""


def names_of(directory: Path) -> dict[str, str]:
    """Return the names of the languages that the profile of an artifact declared."""
    return declared_names(read_manifest(directory).resolved_config)


def encoder_origin(directory: Path) -> str:
    """Return a sentence on what trained the encoder of a pretrain artifact."""
    if read_manifest(directory).config.get("copied"):
        return "The encoder is that of another model, without further pretraining."
    trained = trained_objectives(directory / METRICS_FILE)
    objectives = " and ".join(one.upper() for one in trained) or "no objective"
    return f"The encoder was pretrained with {objectives}."


def artifact_of(record: Mapping[str, Any], root: Path, stage: str) -> Path:
    """Return the artifact directory of a single-unit stage of a run.

    Raises:
        StoreError: the run did not reach the stage, or the artifact was removed.
    """
    for node in record["nodes"]:
        if node["stage"] == stage:
            return existing_directory(record, root, node)
    raise StoreError(
        f"the last run of profile {record['request']['profile']} did not reach {stage}",
        fix=f"continue with `{_command(record, root)}`",
    )


def existing_directory(record: Mapping[str, Any], root: Path, node: Mapping[str, Any]) -> Path:
    """Return the artifact directory of a node of a run.

    Raises:
        StoreError: the artifact was removed.
    """
    directory = root / str(node["directory"])
    if not directory.is_dir():
        raise StoreError(
            f"{directory} was removed since the last run",
            fix=f"build it again with `{_command(record, root)}`",
        )
    return directory


def _command(record: Mapping[str, Any], root: Path) -> str:
    return RunRequest.model_validate(record["request"]).building().command(root)


def results_of(record: Mapping[str, Any], root: Path) -> Results:
    """Read the evaluation results of a run."""
    return read_results(artifact_of(record, root, "evaluate"))


def vocabulary_of(record: Mapping[str, Any], root: Path) -> dict[str, VocabularyCoverage]:
    """Read the vocabulary coverage of a run; empty if the artifact does not exist."""
    try:
        return read_report(artifact_of(record, root, "vocabulary"))
    except StoreError:
        return {}
