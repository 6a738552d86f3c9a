"""`xlm results`: the result tables of the last run, or the costs of its stages."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xlm.classification.results.records import Results
from xlm.classification.results.tables import tables
from xlm.cli.output import show, terminal_width
from xlm.config.environment import MachineSettings
from xlm.config.languages.names import declared_names
from xlm.config.training.release import CLASSIFIER_FOLDER, MASKED_LM_FOLDER
from xlm.display.text_table import text_table
from xlm.errors import StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import last_run
from xlm.release.fertility import VocabularyCoverage, fertility_table
from xlm.report.costs import StageCost, cost_table, input_check_line, known_costs
from xlm.report.run_results import (
    artifact_of,
    encoder_origin,
    results_of,
    vocabulary_of,
)
from xlm.store.disk.root import resolve_root


def print_results(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print accuracy, perplexity, retrieval and vocabulary by language, and the model's path.

    If the run did not reach the evaluation, print the results so far and the command to continue.

    Raises:
        StoreError: there was no run, or it has no results yet.
    """
    home = _root(root)
    record, results = _last_results(home, profile)
    vocabulary = vocabulary_of(record, home)
    if results is None and not vocabulary:
        last_run(home, profile=profile, reaching="evaluate")  # raises with the command to continue
    if as_json:
        show(json.dumps(_as_json(results, vocabulary), indent=1, ensure_ascii=False))
        return
    names = declared_names(record["config"])
    language_table = fertility_table(vocabulary, names)
    for one in [
        *(tables(results, names) if results else []),
        *([language_table] if language_table else []),
    ]:
        show(f"{one.title}\n{text_table(one.header, one.rows, width=terminal_width())}\n")
    if results is None:
        command = RunRequest.model_validate(record["request"]).building().command(home)
        show(f"This run was not evaluated. Continue with `{command}`.")
        return
    show(encoder_origin(artifact_of(record, home, "pretrain")))
    _print_locations(record, home)


def print_costs(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print the latest known wall time, CPU time and peak memory of each stage.

    Raises:
        StoreError: there was no run.
    """
    costs = known_costs(_root(root), profile)
    if as_json:
        show(json.dumps([cost._asdict() for cost in costs], indent=1))
        return
    show(text_table(*cost_table(costs), width=terminal_width()))
    if line := input_check_line(costs):
        show(f"\n{line}")
    newest = max((cost.run_started for cost in costs), default="")
    older = [cost for cost in costs if cost.run_started != newest]
    if older:
        show(f"\nNot in the last run: {', '.join(map(_dated, older))}.")


def _last_results(home: Path, profile: str | None) -> tuple[dict[str, Any], Results | None]:
    """Return the last evaluated run and its results, or the last run with a vocabulary."""
    try:
        record = last_run(home, profile=profile, reaching="evaluate")
    except StoreError:
        newest = last_run(home, profile=profile)
        try:
            return last_run(home, profile=profile, reaching="vocabulary"), None
        except StoreError:
            return newest, None
    return record, results_of(record, home)


def _as_json(
    results: Results | None, vocabulary: Mapping[str, VocabularyCoverage]
) -> dict[str, object]:
    measured = results.model_dump(mode="json") if results else {"languages": []}
    return measured | {"vocabulary": {code: asdict(row) for code, row in vocabulary.items()}}


def _print_locations(record: Mapping[str, Any], home: Path) -> None:
    if any(node["stage"] == "publish" for node in record["nodes"]):
        published = artifact_of(record, home, "publish")
        folders = [published / name for name in (CLASSIFIER_FOLDER, MASKED_LM_FOLDER)]
        models = [folder for folder in folders if folder.is_dir()]
        show("model   " + "\n        ".join(map(str, models)))
        show(f"card    {models[0] / 'README.md'}")
    show(f"Prefect {home / 'prefect'} (open it with `xlm ui`)")


def _dated(cost: StageCost) -> str:
    return f"{cost.stage} ({cost.run_started[:10]})"


def _root(root: str | None) -> Path:
    return resolve_root(MachineSettings.from_environment(root).root, write=False)
