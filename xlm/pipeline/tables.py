"""Tables about stages: one row a unit, for cards in the UI, for the terminal and for docs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from xlm.pipeline.request import RunRequest
from xlm.pipeline.run import Built
from xlm.store.manifest import RUN_NAME

_GIB = 2**30
_MIB = 2**20


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers should come formatted."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def stage_card(stage: str, built: Sequence[Built], request: RunRequest) -> str:
    """Everything about a stage's artifacts in this run, as Markdown."""
    rows = [
        (
            one.node.unit,
            one.status,
            f"`{one.artifact.manifest.key}`",
            f"`{one.artifact.manifest.digest[:12]}`",
            human_bytes(one.artifact.manifest.size_bytes),
            counts_text(one.artifact.manifest.counts),
            seconds_text(measured["wall_seconds"]),
            human_bytes(measured["peak_memory_bytes"]),
        )
        for one in built
        for measured in [read_measured(one.artifact.directory)]
    ]
    header = ("unit", "state", "key", "digest", "size", "counts", "wall time", "peak memory")
    place = built[0].artifact.directory.parent
    return "\n\n".join(
        [
            f"## {stage}",
            markdown_table(header, rows),
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


def human_bytes(size_bytes: float | None) -> str:
    """`3.2 MiB`; `unknown until online` for None."""
    if size_bytes is None:
        return "unknown until online"
    if size_bytes >= _GIB:
        return f"{size_bytes / _GIB:,.1f} GiB"
    if size_bytes >= _MIB:
        return f"{size_bytes / _MIB:,.1f} MiB"
    return f"{size_bytes / 1024:,.1f} KiB"


def seconds_text(seconds: float) -> str:
    """`0.4 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
