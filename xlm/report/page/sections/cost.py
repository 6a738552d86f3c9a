"""What the run cost: time of processors, memory and bytes of each stage."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xlm.display.markdown import format_decimal, format_duration, format_size
from xlm.errors import StoreError
from xlm.release.costs import GPU_TIME, GpuTime, gpu_time, unrecorded_line
from xlm.report.costs import cost_table, costs_of, input_check_line
from xlm.report.page.charts import Bars, bar_chart
from xlm.report.page.content import Block, DataTable, Note, Section, Tiles
from xlm.report.page.run_nodes import RunNode, RunNodes

_HOUR_SECONDS = 3600


def cost_section(nodes: RunNodes, record: Mapping[str, Any], root: Path) -> Section:
    """Totals, then a row for each stage."""
    return Section("cost", "Cost", list(_costs(nodes, record, root)))


def _costs(nodes: RunNodes, record: Mapping[str, Any], root: Path) -> Iterator[Block]:
    if not any(node.measured for node in nodes.nodes):
        return
    gpu_times = [_gpu_time(node) for node in nodes.nodes]
    gpu_seconds = sum(time.seconds for time in gpu_times)
    yield Tiles(
        [
            (_hours(_sum(nodes, "cpu_seconds")), "CPU hours, all stages"),
            (_hours(_sum(nodes, "cpu_seconds", built=True)), "CPU hours built in this run"),
            (_hours(gpu_seconds), "GPU hours"),
            (format_size(_peak(nodes)), "largest process"),
            (format_size(_downloaded_bytes(nodes)), "downloaded"),
            (format_size(sum(node.size_bytes for node in nodes.nodes)), "on the disk"),
        ]
    )
    yield Note(
        "Artifacts that this run did not build were measured when they were built. Wall times are "
        "sums over units, which run in parallel."
    )
    if gpu_seconds:
        old = unrecorded_line(sum(not time.is_recorded for time in gpu_times))
        yield Note(f"{GPU_TIME} {old}".strip())
    try:
        costs = costs_of(record, root)
    except StoreError as error:
        yield Note(f"There is no table: {error.what}.", is_warning=True)
        return
    seconds = {cost.stage: cost.cpu_seconds for cost in costs if cost.cpu_seconds}
    if seconds:
        yield bar_chart("CPU time of each stage", [Bars("CPU time", seconds)], unit="seconds")
    yield DataTable("Cost of each stage", *cost_table(costs))
    if line := input_check_line(costs):
        yield Note(line)


def _sum(nodes: RunNodes, name: str, *, built: bool = False) -> float:
    return sum(
        float(node.measured.get(name, 0.0))
        for node in nodes.nodes
        if not built or node.status == "built"
    )


def _gpu_time(node: RunNode) -> GpuTime:
    config = node.manifest.resolved_config if node.manifest else {}
    return gpu_time(node.stage, config, node.measured)


def _peak(nodes: RunNodes) -> int:
    return max(int(node.measured.get("peak_memory_bytes", 0)) for node in nodes.nodes)


def _downloaded_bytes(nodes: RunNodes) -> int:
    sizes = [
        node.manifest.counts.get("bytes", 0) for node in nodes.of_stage("download") if node.manifest
    ]
    return sum(size for size in sizes if isinstance(size, int))


def _hours(seconds: float) -> str:
    if seconds and seconds < 0.1 * _HOUR_SECONDS:
        return f"{format_decimal(seconds / _HOUR_SECONDS, 3)} ({format_duration(seconds)})"
    return format_decimal(seconds / _HOUR_SECONDS, 1)
