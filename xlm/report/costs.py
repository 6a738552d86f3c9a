"""The costs of stages (time, memory, size), from the records of runs and their artifacts."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from xlm.display.markdown import format_duration, format_size
from xlm.errors import StoreError
from xlm.pipeline.run_record import last_run, runs
from xlm.report.measurements import read_measurements
from xlm.report.run_results import existing_directory
from xlm.stages.registry import STAGES
from xlm.store.manifest import read_manifest


class StageCost(NamedTuple):
    """The cost of building one stage, in whichever run built it."""

    stage: str
    units: int
    wall_seconds: float
    longest_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    size_bytes: int
    input_check_seconds: float
    input_check_bytes: int
    """Cost of hashing inputs before they were read; not part of the wall time."""
    run_started: str
    """UTC start time of the run that served these artifacts."""


def costs_of(record: Mapping[str, Any], root: Path) -> list[StageCost]:
    """Return the cost of every stage of a run, from the `run.json` of its artifacts.

    Times are summed over units, which run in parallel. The memory is the peak of the largest single
    process.

    Raises:
        StoreError: an artifact was removed.
    """
    return [_cost_of(stage, record, root) for stage in _stages_of(record)]


def known_costs(root: Path, profile: str | None = None) -> list[StageCost]:
    """Return the latest known cost of every stage of a profile (default: of the last run).

    A run of a part of the DAG does not hide the costs of other stages and units in earlier runs.

    Raises:
        StoreError: there was no run.
    """
    newest = last_run(root, profile=profile)
    found: dict[str, StageCost] = {}
    partial: dict[str, dict[str, Any]] = {}
    """By stage: a record with only the nodes that newer runs of single units built."""
    for record in runs(root, newest["request"]["profile"]):
        single = {name.partition("[")[0] for name in record["request"]["only"] if "[" in name}
        for stage in _stages_of(record):
            if stage in found:
                continue
            merged = _merged(stage, record, partial.get(stage))
            if stage in single:
                partial[stage] = merged
                continue
            with suppress(StoreError):  # an artifact was removed; an earlier run may have others
                found[stage] = _cost_of(stage, merged, root)
    for stage, record in partial.items():
        if stage not in found:
            with suppress(StoreError):
                found[stage] = _cost_of(stage, record, root)
    order = [stage.name for stage in STAGES]
    # Stages of other versions that no longer exist come last.
    return sorted(
        found.values(),
        key=lambda cost: order.index(cost.stage) if cost.stage in order else len(order),
    )


def _merged(
    stage: str, record: Mapping[str, Any], newer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the record with only the nodes of a stage, replaced by those of newer runs."""
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
            directory = existing_directory(record, root, node)
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
    """Return the header and the rows of a table, one row for each stage."""
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
    """Return a line with the cost of hashing inputs; empty if nothing was hashed."""
    if not (size_bytes := sum(cost.input_check_bytes for cost in costs)):
        return ""
    seconds = sum(cost.input_check_seconds for cost in costs)
    share = 100 * seconds / max(sum(cost.wall_seconds for cost in costs), seconds, 0.001)
    return (
        f"Inputs were hashed in {format_duration(seconds)} ({format_size(size_bytes)}), "
        f"{share:.1f} % of the wall time of all stages."
    )
