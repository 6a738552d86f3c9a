"""Tables about stages: one row a unit, for cards in the UI, for the terminal and for docs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlm.markdown import duration, size, table
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run import Built
from xlm.store.manifest import RUN_NAME


def stage_card(stage: str, built: Sequence[Built], request: RunRequest) -> str:
    """Everything about a stage's artifacts in this run, as Markdown."""
    rows = [
        (
            one.node.unit,
            one.status,
            duration(measured["wall_seconds"]),
            size(measured["peak_memory_bytes"]),
            size(one.artifact.manifest.size_bytes),
            f"`{one.artifact.manifest.key}`",
            f"`{one.artifact.manifest.digest[:12]}`",
            counts_text(one.artifact.manifest.counts),
        )
        for one in built
        for measured in [read_measured(one.artifact.directory)]
    ]
    header = ("unit", "state", "wall time", "peak memory", "size", "key", "digest", "counts")
    place = built[0].artifact.directory.parent
    return "\n\n".join(
        [
            f"## {stage}",
            table(header, rows, left=len(header)),
            f"Artifacts: `{place}/<key>`",
            f"Build again: `{request.command()} --refresh {stage}`",
        ]
    )


def read_measured(directory: Path) -> dict[str, Any]:
    """What was measured while an artifact was built."""
    measured: dict[str, Any] = json.loads((directory / RUN_NAME).read_bytes())
    return measured


def counts_text(counts: dict[str, int | float | str], most: int = 6) -> str:
    """`lines 300, dropped 2`: the first counts of a manifest."""
    shown = [f"{name} {_number(value)}" for name, value in list(counts.items())[:most]]
    return ", ".join(shown) + (", …" if len(counts) > most else "")


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
