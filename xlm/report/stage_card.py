"""What is shown about a stage: its card in the UI, and what was measured while it was built."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from xlm.config.pipeline import PipelineConfig
from xlm.display.markdown import format_duration, format_size, stack_words, table
from xlm.engine.building.built import Built
from xlm.engine.stage import Stage
from xlm.errors import StoreError
from xlm.pipeline.request import RunRequest
from xlm.report.count_tables import count_table, over_splits, totals
from xlm.store.disk.filesystem import read_small
from xlm.store.manifest import RUN_NAME

_DIGEST_DIGITS = 12
_SHORT_SECONDS = 0.1
"""A column of times that are all shorter says nothing."""
_MOST_COUNTS = 6


def stage_card(
    stage: Stage[PipelineConfig, Any], built: Sequence[Built], request: RunRequest, root: Path
) -> str:
    """Everything about a stage's artifacts in this run, as Markdown: the totals first."""
    measured = {one.node.unit: read_measurements(one.artifact.directory) for one in built}
    counted = totals([one.artifact.manifest.counts for one in built])
    parts = [
        f"## {stage.name}",
        f"{stage.summary[:1].upper()}{stage.summary[1:]}.",
        _headline(built, measured),
        counted,
    ]
    if len(built) > 1:
        parts += ["### Units", _units(built, measured)]
    parts += [
        "### Artifacts",
        f"In `{built[0].artifact.directory.parent}`:",
        table(
            ("unit", "folder", "digest"),
            [
                (
                    one.node.unit,
                    f"`{one.artifact.directory.name}`",
                    f"`{one.artifact.manifest.digest[:_DIGEST_DIGITS]}`",
                )
                for one in built
            ],
            left=3,
        ),
        "### Build again",
        f"```sh\n{request.refreshing(stage.name).command(root)}\n```",
    ]
    return "\n\n".join(part for part in parts if part)


def _headline(built: Sequence[Built], measured: Mapping[str, Mapping[str, Any]]) -> str:
    states = Counter(one.status for one in built)
    state = ", ".join(f"{count} {status}" for status, count in states.items())
    if len(states) == 1:
        units = f"{len(built)} units, all {built[0].status}" if len(built) > 1 else built[0].status
    else:
        units = f"{len(built)} units: {state}"
    seconds = sum(one["wall_seconds"] for one in measured.values())
    peak = max(int(one["peak_memory_bytes"]) for one in measured.values())
    size_bytes = sum(one.artifact.manifest.size_bytes for one in built)
    line = (
        f"**{units[:1].upper()}{units[1:]}.** {format_duration(seconds)} of work, "
        f"{format_size(size_bytes)} on disk, {format_size(peak)} of memory in the largest process."
    )
    if hashed_bytes := sum(one["input_check_bytes"] for one in measured.values()):
        took = format_duration(sum(one["input_check_seconds"] for one in measured.values()))
        line += f" Hashing the inputs first took {took} for {format_size(hashed_bytes)}."
    if set(states) - {"built"}:
        line += " What is cached or waited for was measured when it was built."
    return line


def _units(built: Sequence[Built], measured: Mapping[str, Mapping[str, Any]]) -> str:
    counts = count_table(
        {one.node.unit: over_splits(one.artifact.manifest.counts) for one in built}
    )
    times = any(one["wall_seconds"] >= _SHORT_SECONDS for one in measured.values())
    header = ("unit", "state", *(("time",) if times else ()), "on disk")
    parts = []
    # The UI shows so many columns at 1,280 pixels, and cuts the others.
    for first in range(0, max(1, len(counts.header)), _MOST_COUNTS):
        some = slice(first, first + _MOST_COUNTS)
        rows = [
            (
                one.node.unit,
                one.status,
                *((format_duration(measured[one.node.unit]["wall_seconds"]),) if times else ()),
                format_size(one.artifact.manifest.size_bytes),
                *counts.rows[one.node.unit][some],
            )
            for one in built
        ]
        parts.append(table(stack_words([*header, *counts.header[some]]), rows, left=2))
    if counts.zero:
        parts.append(f"Zero in all units: {', '.join(counts.zero)}.")
    return "\n\n".join(parts)


class _Measured(BaseModel):
    model_config = ConfigDict(extra="allow")

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    input_check_seconds: float = 0.0
    input_check_bytes: int = 0


def read_measurements(directory: Path) -> dict[str, Any]:
    """What was measured while an artifact was built.

    Raises:
        StoreError: its `run.json` is missing or damaged.
    """
    path = directory / RUN_NAME
    try:
        return _Measured.model_validate_json(read_small(path)).model_dump()
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(
            f"{path} cannot be read ({type(error).__name__})", fix="run with `--verify deep`"
        ) from error
