"""The Markdown card of a stage in the UI: totals, units, artifacts, and the command to rebuild."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlm.config.pipeline import PipelineConfig
from xlm.display.markdown import format_duration, format_size, stack_words, table
from xlm.engine.building.built import Built
from xlm.engine.stage import Stage
from xlm.pipeline.request import RunRequest
from xlm.report.count_tables import count_table, sum_splits, totals
from xlm.report.measurements import read_measurements

_DIGEST_DIGITS = 12
_SHORT_SECONDS = 0.1
"""The column of times is omitted if all are shorter."""
_MAX_COUNTS = 6
"""Columns of counts in one table: the UI cuts wider tables at 1,280 pixels."""

Measurements = Mapping[str, Mapping[str, Any]]
"""The measured values of each unit."""


def stage_card(
    stage: Stage[PipelineConfig, Any], built: Sequence[Built], request: RunRequest, root: Path
) -> str:
    """Render the card of a stage from its artifacts in a run, totals first."""
    measured = {one.node.unit: read_measurements(one.artifact.directory) for one in built}
    parts = [
        f"## {stage.name}",
        f"{stage.summary[:1].upper()}{stage.summary[1:]}.",
        _headline(built, measured),
        totals([one.artifact.manifest.counts for one in built]),
    ]
    if len(built) > 1:
        parts += ["### Units", _units(built, measured)]
    parts += [
        "### Artifacts",
        f"In `{built[0].artifact.directory.parent}`:",
        _artifacts(built),
        "### Build again",
        f"```sh\n{request.refreshing(stage.name).command(root)}\n```",
    ]
    return "\n\n".join(part for part in parts if part)


def _artifacts(built: Sequence[Built]) -> str:
    rows = [
        (
            one.node.unit,
            f"`{one.artifact.directory.name}`",
            f"`{one.artifact.manifest.digest[:_DIGEST_DIGITS]}`",
        )
        for one in built
    ]
    return table(("unit", "folder", "digest"), rows, left=3)


def _headline(built: Sequence[Built], measured: Measurements) -> str:
    states = Counter(one.status for one in built)
    state = ", ".join(f"{count} {status}" for status, count in states.items())
    if len(states) == 1:
        units = f"{len(built)} units, all {built[0].status}" if len(built) > 1 else built[0].status
    else:
        units = f"{len(built)} units: {state}"
    seconds = sum(one["wall_seconds"] for one in measured.values())
    peak = max(int(one["peak_memory_bytes"]) for one in measured.values())
    size_bytes = sum(map(_size_bytes, built))
    line = (
        f"**{units[:1].upper()}{units[1:]}.** Build time {format_duration(seconds)}, "
        f"size on disk {format_size(size_bytes)}, peak memory of a process {format_size(peak)}."
    )
    if hashed_bytes := sum(one["input_check_bytes"] for one in measured.values()):
        took = format_duration(sum(one["input_check_seconds"] for one in measured.values()))
        line += f" The inputs were hashed first, in {took} ({format_size(hashed_bytes)})."
    if set(states) - {"built"}:
        line += " Artifacts that this run did not build were measured when they were built."
    return line


def _size_bytes(built: Built) -> int:
    """Bytes on the disk; nothing is left of a pruned artifact."""
    return 0 if built.status == "pruned" else built.artifact.manifest.size_bytes


def _units(built: Sequence[Built], measured: Measurements) -> str:
    counts = count_table({one.node.unit: sum_splits(one.artifact.manifest.counts) for one in built})
    times = any(one["wall_seconds"] >= _SHORT_SECONDS for one in measured.values())
    header = ("unit", "state", *(("time",) if times else ()), "on disk")
    parts = []
    for first in range(0, max(1, len(counts.header)), _MAX_COUNTS):
        shown = slice(first, first + _MAX_COUNTS)
        rows = [
            (
                one.node.unit,
                one.status,
                *((format_duration(measured[one.node.unit]["wall_seconds"]),) if times else ()),
                format_size(_size_bytes(one)),
                *counts.rows[one.node.unit][shown],
            )
            for one in built
        ]
        parts.append(table(stack_words([*header, *counts.header[shown]]), rows, left=2))
    if counts.zero:
        parts.append(f"Zero in all units: {', '.join(counts.zero)}.")
    return "\n\n".join(parts)
