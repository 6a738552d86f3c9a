"""What a plan says about costs: a few lines of totals, a table of the stages, or JSON.

for line in total_lines(estimate): print(line)
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from xlm.display.markdown import format_duration, format_size
from xlm.pipeline.costs.estimate import Estimate, StageEstimate

_SIZES_FROM = {
    "lock": "from the lock",
    "mirror": "of the mirror",
    "catalogue": "from the catalogue",
    "assumed": "assumed",
    "synthetic": "made here",
}

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def total_lines(estimate: Estimate) -> Iterator[str]:
    """Yield the totals and what they assume; nothing if nothing is built."""
    if not estimate.stages:
        return
    disk = (
        f"{format_size(estimate.disk_bytes)} of disk at most, "
        f"{format_size(estimate.stays_bytes)} of it stay"
    )
    if estimate.download_bytes:
        origins = ", ".join(
            f"{format_size(size)} {_SIZES_FROM[origin]}"
            for origin, size in sorted(estimate.size_origins.items())
        )
        yield (
            f"estimate: {format_size(estimate.download_bytes)} to download ({origins}), "
            f"{format_duration(estimate.download_seconds)} at a polite rate; {disk}"
        )
    else:
        yield f"estimate: {disk}"
    workers = "1 worker" if estimate.workers == 1 else f"{estimate.workers} workers"
    without = f", without {_listed(estimate.without_time)}" if estimate.without_time else ""
    yield (
        f"estimate: {format_duration(estimate.cpu_seconds)} of CPU time, "
        f"{format_duration(estimate.wall_seconds)} with {workers}{without}; "
        f"{format_size(estimate.memory_bytes)} of memory; {_rates(estimate)}"
    )


def _rates(estimate: Estimate) -> str:
    recorded = [one.stage for one in estimate.stages if one.origin in ("recorded", "mixed")]
    table = f"rates of a reference machine ({estimate.machine})"
    if not any(one.origin for one in estimate.stages):
        return "no stage has a rate"
    if not recorded:
        return table
    if all(one.origin in ("recorded", "") for one in estimate.stages):
        return "rates of earlier runs on this machine"
    return f"rates of earlier runs on this machine for {_listed(tuple(recorded))}, else {table}"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def cost_table(estimate: Estimate) -> Table:
    """The header and a row for each stage that is built, then the totals."""
    header = (
        "stage", "nodes", "in", "out", "scratch", "CPU time",
        f"time, {estimate.workers} workers", "memory", "rates",
    )  # fmt: skip
    rows = [_row(one, is_timed=one.stage not in estimate.without_time) for one in estimate.stages]
    total = (
        "all",
        str(sum(one.nodes for one in estimate.stages)),
        "",
        format_size(estimate.stays_bytes),
        "",
        format_duration(estimate.cpu_seconds),
        format_duration(estimate.wall_seconds),
        format_size(estimate.memory_bytes),
        "",
    )
    return header, [*rows, total]


def _row(one: StageEstimate, *, is_timed: bool) -> tuple[str, ...]:
    return (
        one.stage,
        str(one.nodes),
        format_size(one.input_bytes) if one.input_bytes else "",
        format_size(one.output_bytes),
        format_size(one.scratch_bytes) if one.scratch_bytes else "",
        format_duration(one.cpu_seconds) if is_timed else "not estimated",
        format_duration(one.wall_seconds) if is_timed else "not estimated",
        format_size(one.memory_bytes) if one.memory_bytes else "",
        one.origin,
    )


def costs_as_json(estimate: Estimate) -> dict[str, Any]:
    """All fields, with the totals."""
    return {
        **{name: value for name, value in asdict(estimate).items() if name != "stages"},
        "cpu_seconds": estimate.cpu_seconds,
        "wall_seconds": estimate.wall_seconds,
        "memory_bytes": estimate.memory_bytes,
        "stages": [
            {
                **{name: value for name, value in vars(one).items() if name != "origins"},
                "rates": one.origin,
            }
            for one in estimate.stages
        ],
    }
