"""Results and costs of runs: what `xlm results`, the UI and the docs show."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from xlm.display.markdown import format_duration, format_size, stack_words, table
from xlm.errors import StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import last_run, runs
from xlm.release.fertility import VocabularyCoverage, fertility_table, read_report
from xlm.report.stage_card import read_measurements
from xlm.stages.registry import STAGES
from xlm.store.manifest import read_manifest
from xlm.training.launch.job import METRICS_FILE
from xlm.training.monitoring.trained import trained_objectives
from xlm.xnli.results.records import Results, read_results
from xlm.xnli.results.tables import tables, task_name


def results_markdown(directory: Path) -> str:
    """All tables of an evaluate artifact, as Markdown."""
    found = tables(read_results(directory), task_of(directory))
    return "\n\n".join(
        f"## {one.title}\n\n{table(stack_words(one.header), one.rows)}" for one in found
    )


def task_of(directory: Path) -> str:
    """What an evaluate artifact's accuracies are of: XNLI, or the sample world's pairs."""
    sample = read_manifest(directory).resolved_config.get("sample")
    return task_name(synthetic=sample is not None)


def pretrained_by(directory: Path) -> str:
    """What really trained a pretrain artifact, as one line: `pretrained by MLM and TLM`."""
    trained = trained_objectives(directory / METRICS_FILE)
    names = " and ".join(one.upper() for one in trained) or "no objective"
    return f"pretrained by {names}"


def vocabulary_markdown(directory: Path) -> str:
    """What each language gets of a vocabulary artifact, as Markdown, if it has one."""
    found = fertility_table(read_report(directory))
    return f"## {found.title}\n\n{table(stack_words(found.header), found.rows)}" if found else ""


def artifact_of(record: Mapping[str, Any], root: Path, stage: str) -> Path:
    """The directory of a one-unit stage's artifact in a run.

    Raises:
        StoreError: the run did not get that far, or the artifact was removed since.
    """
    for node in record["nodes"]:
        if node["stage"] == stage:
            return _present(root / str(node["directory"]), record, root)
    raise StoreError(
        f"the last run of profile {record['request']['profile']} has no {stage}",
        fix=f"continue with `{_whole(record).command(root)}`",
    )


def _present(directory: Path, record: Mapping[str, Any], root: Path) -> Path:
    if not directory.is_dir():
        raise StoreError(
            f"{directory} was removed since the last run",
            fix=f"build it again with `{_whole(record).command(root)}`",
        )
    return directory


def _whole(record: Mapping[str, Any]) -> RunRequest:
    return RunRequest.model_validate(record["request"]).building()


def results_of(record: Mapping[str, Any], root: Path) -> Results:
    """What the run's evaluation found."""
    return read_results(artifact_of(record, root, "evaluate"))


def vocabulary_of(record: Mapping[str, Any], root: Path) -> dict[str, VocabularyCoverage]:
    """What each language got of the run's vocabulary; empty where that artifact is gone."""
    try:
        return read_report(artifact_of(record, root, "vocabulary"))
    except StoreError:
        return {}


class StageCost(NamedTuple):
    """What building one stage took, whichever run built it."""

    stage: str
    units: int
    wall_seconds: float
    longest_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    size_bytes: int
    input_check_seconds: float
    input_check_bytes: int
    """Of hashing inputs before they were read; the wall time does not include it."""
    run_started: str
    """When the run that served these artifacts began, in UTC."""


def costs_of(record: Mapping[str, Any], root: Path) -> list[StageCost]:
    """The costs of every stage of a run, from the artifacts' own records.

    Wall time is summed over units (they run side by side); the peak is the largest single process.

    Raises:
        StoreError: an artifact was removed since.
    """
    return [_cost_of(stage, record, root) for stage in _stages_of(record)]


def known_costs(root: Path, profile: str | None = None) -> list[StageCost]:
    """The last known costs of every stage of a profile, else of the last run's profile.

    A run of a part of the DAG does not hide what earlier runs know of the other stages, and of the
    other units of its stages.

    Raises:
        StoreError: there was no run.
    """
    newest = last_run(root, profile=profile)
    found: dict[str, StageCost] = {}
    partial: dict[str, dict[str, Any]] = {}
    """Records with only those nodes of a stage that newer runs of single units built."""
    for record in runs(root, newest["request"]["profile"]):
        single = {name.partition("[")[0] for name in record["request"]["only"] if "[" in name}
        for stage in _stages_of(record):
            if stage in found:
                continue
            merged = _merged(stage, record, partial.get(stage))
            if stage in single:
                partial[stage] = merged
                continue
            with suppress(StoreError):  # removed since: an earlier run may know
                found[stage] = _cost_of(stage, merged, root)
    for stage, record in partial.items():
        if stage not in found:
            with suppress(StoreError):
                found[stage] = _cost_of(stage, record, root)
    order = [stage.name for stage in STAGES]
    # A stage that this version does not have any more comes last.
    return sorted(
        found.values(),
        key=lambda cost: order.index(cost.stage) if cost.stage in order else len(order),
    )


def _merged(
    stage: str, record: Mapping[str, Any], newer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The record with a stage's nodes replaced by those of newer runs."""
    nodes = {node["unit"]: node for node in record["nodes"] if node["stage"] == stage}
    if newer is not None:
        nodes |= {node["unit"]: node for node in newer["nodes"]}
    started = record["started"] if newer is None else newer["started"]
    return {**record, "started": started, "nodes": list(nodes.values())}


def _stages_of(record: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(node["stage"] for node in record["nodes"]))


def _cost_of(stage: str, record: Mapping[str, Any], root: Path) -> StageCost:
    rows = []
    for node in record["nodes"]:
        if node["stage"] == stage:
            directory = _present(root / node["directory"], record, root)
            size_bytes = read_manifest(directory).size_bytes
            rows.append(read_measurements(directory) | {"size_bytes": size_bytes})
    return StageCost(
        stage=stage,
        units=len(rows),
        wall_seconds=sum(row["wall_seconds"] for row in rows),
        longest_seconds=max(row["wall_seconds"] for row in rows),
        cpu_seconds=sum(row["cpu_seconds"] for row in rows),
        peak_memory_bytes=max(row["peak_memory_bytes"] for row in rows),
        size_bytes=sum(row["size_bytes"] for row in rows),
        input_check_seconds=sum(row["input_check_seconds"] for row in rows),
        input_check_bytes=sum(row["input_check_bytes"] for row in rows),
        run_started=record["started"],
    )


def cost_table(
    costs: Sequence[StageCost],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows for people; one row a stage."""
    header = ("stage", "units", "wall time", "longest unit", "CPU time", "peak memory", "size")
    rows: list[tuple[str, ...]] = [
        (
            cost.stage,
            str(cost.units),
            format_duration(cost.wall_seconds),
            format_duration(cost.longest_seconds),
            format_duration(cost.cpu_seconds),
            format_size(cost.peak_memory_bytes),
            format_size(cost.size_bytes),
        )
        for cost in costs
    ]
    return header, rows


def input_check_line(costs: Sequence[StageCost]) -> str:
    """The time that hashing inputs took, as a line; empty if nothing was hashed."""
    if not (size_bytes := sum(cost.input_check_bytes for cost in costs)):
        return ""
    seconds = sum(cost.input_check_seconds for cost in costs)
    share = 100 * seconds / max(sum(cost.wall_seconds for cost in costs), seconds, 0.001)
    return (
        f"Hashing inputs before stages read them: {format_duration(seconds)} for "
        f"{format_size(size_bytes)}, {share:.1f} % of the stages' wall time."
    )
