"""`xlm results`: the result tables of a run, its accuracies as rows, or the costs of its stages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xlm.classification.results.records import Results, read_results
from xlm.classification.results.sweep_tables import RULES_NOTE, sweep_groups
from xlm.classification.results.tables import confusion_note, confusion_tables, tables
from xlm.classification.results.tidy import SUFFIXES, table_bytes
from xlm.cli.output import counted, describe, printable, show, terminal_width
from xlm.config.environment import MachineSettings
from xlm.config.languages.names import declared_names
from xlm.config.training.release import CLASSIFIER_FOLDER, MASKED_LM_FOLDER
from xlm.display.text_table import text_table
from xlm.errors import ConfigError, DataError, StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.pipeline.run_record import last_run
from xlm.release.fertility import VocabularyCoverage, fertility_table
from xlm.report.comparison.members import find_member
from xlm.report.costs import StageCost, cost_table, input_check_line, known_costs
from xlm.report.run_results import (
    artifact_of,
    encoder_origin,
    results_of,
    vocabulary_of,
)
from xlm.store.disk.filesystem import write_atomically
from xlm.store.disk.root import resolve_root
from xlm.store.store import ArtifactStore


def require_used(
    names: Sequence[str],
    profile: str | None,
    *,
    costs: bool,
    confusions: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Refuse options of which one would be ignored.

    Raises:
        ConfigError: two options exclude each other.
    """
    if names and profile:
        raise ConfigError(
            "--profile is for the last run, but a run is named", fix="leave one of them out"
        )
    if costs and names:
        raise ConfigError(
            "--costs shows the latest costs of each stage, not those of one run",
            fix="leave the run out; `xlm report RUN` shows its own",
        )
    given = {"--costs": costs, "--confusions": confusions, "--out": out, "--json": as_json}
    excluded = {"--costs": ("--confusions", "--out"), "--out": ("--confusions", "--json")}
    for option, others in excluded.items():
        for other in others:
            if given[option] and given[other]:
                raise ConfigError(
                    f"{option} and {other} exclude each other", fix="give one of them at a time"
                )


def print_results(
    names: Sequence[str],
    profile: str | None,
    root: str | None,
    as_json: bool,
    *,
    confusions: bool = False,
) -> None:
    """Print accuracy, perplexity, retrieval and vocabulary by language, and the model's path.

    If the run did not reach the evaluation, print the results so far and the command to continue.

    Args:
        names: the run, or empty for the last one of the profile.
        profile: of the last run.
        root: of the store.
        as_json: whether to print JSON.
        confusions: whether to print labels and predictions of each language.

    Raises:
        ConfigError: several runs are named.
        StoreError: there was no such run, or it has no results yet.
    """
    if len(names) > 1:
        raise ConfigError(
            f"the results of {len(names)} runs cannot be printed together",
            fix="use `xlm compare`, or write their accuracies to one file with --out",
        )
    home = _root(root)
    record, results = _named_results(home, names[0]) if names else _last_results(home, profile)
    vocabulary = vocabulary_of(record, home)
    if results is None and not vocabulary:
        last_run(home, profile=profile, reaching="evaluate")  # raises with the command to continue
    if as_json:
        show(json.dumps(_as_json(results, vocabulary), indent=1, ensure_ascii=False))
        return
    declared = declared_names(record["config"])
    language_table = fertility_table(vocabulary, declared)
    for one in [
        *(tables(results, declared) if results else []),
        *(confusion_tables(results, declared) if results and confusions else []),
        *([language_table] if language_table else []),
    ]:
        show(f"{one.title}\n{text_table(one.header, one.rows, width=terminal_width())}\n")
    if results and (note := confusion_note(results.labels, "the output of --json")):
        show(f"{note}\n")
    if results and sweep_groups(results):
        show(f"{RULES_NOTE}\n")
    if results is None:
        command = RunRequest.model_validate(record["request"]).building().command(home)
        show(f"This run was not evaluated. Continue with `{command}`.")
        return
    show(encoder_origin(artifact_of(record, home, "pretrain")))
    _print_locations(record, home)


def write_accuracy_table(
    out: Path, names: Sequence[str], profile: str | None, root: str | None
) -> None:
    """Write the accuracies of runs to one file, a row each, with the run in the first column.

    Args:
        out: the file to write or replace; its ending is its format.
        names: runs or artifacts; empty: the last run of the profile.
        profile: of the last run.
        root: of the store.

    Raises:
        ConfigError: the file cannot be written.
        StoreError: there is no such run.
        DataError: a run has no accuracies of this form.
    """
    if out.suffix not in SUFFIXES:
        raise ConfigError(
            f"invalid --out {str(out)!r}",
            fix=f"let its name end with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}",
        )
    if out.exists() and not out.is_file():
        raise ConfigError(f"--out {str(out)!r} is not a file", fix="name another one")
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    found = list(_evaluations(store, names, profile))
    rows = [row for _, results in found for row in results.accuracies]
    runs = [label for label, results in found for _ in results.accuracies]
    try:
        write_atomically(out, table_bytes(out.suffix, rows, runs))
    except OSError as error:
        raise ConfigError(
            f"--out {str(out)!r} cannot be written: {describe(error)}", fix="write it elsewhere"
        ) from error
    show(printable(f"{out} ({counted(len(rows), 'row')}, {counted(len(found), 'run')})"))


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


def _evaluations(
    store: ArtifactStore, names: Sequence[str], profile: str | None
) -> Iterator[tuple[str, Results]]:
    """The name and the results of each run, or artifact, that is named."""
    named: list[tuple[str, Path | None]]
    if not names:
        record = last_run(store.root, profile=profile, reaching="evaluate")
        named = [(run_label(record), artifact_of(record, store.root, "evaluate"))]
    else:
        members = [find_member(store, name) for name in names]
        # A run has a name, a number and a start time.
        named = list(dict.fromkeys((one.name, one.directory("evaluate")) for one in members))
    for label, directory in named:
        if directory is None:
            raise StoreError(
                f"{label} was not evaluated, or its artifact was removed",
                fix="list the runs with `xlm runs`",
            )
        results = read_results(directory)
        if not results.accuracies:
            raise DataError(
                f"{directory} has no accuracies of single models: it has no classifier, or an "
                "earlier version evaluated it",
                fix="give the command of the run again, which evaluates again",
            )
        yield label, results


def _named_results(home: Path, name: str) -> tuple[dict[str, Any], Results | None]:
    """Return a run and its results, or None if it was not evaluated."""
    record = find_run(home, name)
    if record is None:
        raise StoreError(f"no run {name[:80]!r} in {home}", fix="list the runs with `xlm runs`")
    evaluated = any(node["stage"] == "evaluate" for node in record["nodes"])
    return record, results_of(record, home) if evaluated else None


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
