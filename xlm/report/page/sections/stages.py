"""The DAG of a run: what was built or in the store, how long it took, and what failed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from xlm.config.pipeline import PipelineConfig
from xlm.display.markdown import ABSENT, format_duration, format_size
from xlm.engine.graph import Graph
from xlm.errors import XlmError
from xlm.report.page.charts import PALETTE
from xlm.report.page.content import Block, Box, Chart, DataTable, Details, Drawing, Note, Section
from xlm.report.page.drawing import draw_dag
from xlm.report.page.run_nodes import INPUT, RunNode, RunNodes
from xlm.stages.registry import STAGES

_KEY_DIGITS = 12


def stages_section(nodes: RunNodes, record: Mapping[str, Any]) -> Section:
    """The drawing, a row for each stage, the order of the work, and a row for each node."""
    failures: Mapping[str, str] = record.get("failures") or {}
    blocks: list[Block] = [
        Note(f"{name} failed: {line}", is_warning=True) for name, line in failures.items()
    ]
    blocks += [_drawing(nodes, failures, record), _stage_table(nodes)]
    if chart := _timeline(nodes):
        blocks.append(chart)
    blocks.append(Details(f"All {len(nodes.nodes)} nodes", [_node_table(nodes)]))
    return Section("dag", "Stages", blocks)


def state_counts(nodes: Sequence[RunNode]) -> str:
    """`12 built, 3 cached`."""
    counts = Counter(node.status for node in nodes)
    return ", ".join(f"{count:,} {status}" for status, count in counts.items())


def _drawing(nodes: RunNodes, failures: Mapping[str, str], record: Mapping[str, Any]) -> Drawing:
    failed = {name.partition("[")[0] for name in failures}
    edges: dict[str, set[str]] = {}
    for node in nodes.nodes:
        if node.manifest is not None:
            used = {one.stage for one in node.manifest.upstream.values()}
            edges.setdefault(node.stage, set()).update(used - {node.stage})
    missing = failed - set(nodes.stages)
    if missing:
        edges |= {stage: used for stage, used in _configured(record).items() if stage in missing}
    order = {stage.name: number for number, stage in enumerate(STAGES)}
    names = sorted({*nodes.stages, *failed}, key=lambda name: order.get(name, len(order)))
    return draw_dag([_box(name, nodes.of_stage(name), name in failed) for name in names], edges)


def _configured(record: Mapping[str, Any]) -> dict[str, set[str]]:
    """Which stages each stage reads by the configuration: a stage that failed has no manifest."""
    found: dict[str, set[str]] = {}
    with suppress(XlmError, ValidationError, OSError):
        graph = Graph.of(PipelineConfig.model_validate(record["config"]), STAGES)
        for node, inputs in graph.upstream.items():
            found.setdefault(node.stage, set()).update(one.stage for one in inputs.values())
    return found


def _box(name: str, nodes: Sequence[RunNode], is_failed: bool) -> Box:
    state: Literal["built", "cached", "input", "failed"] = "cached"
    if is_failed:
        state = "failed"
    elif any(node.status == "built" for node in nodes):
        state = "built"
    elif all(node.status == INPUT for node in nodes):
        state = "input"
    counts = ", ".join(filter(None, (state_counts(nodes), "failed" if is_failed else "")))
    return Box(name, (counts, format_duration(_seconds(nodes))), state, 0.0, 0.0)


def _seconds(nodes: Sequence[RunNode]) -> float:
    return sum(node.wall_seconds for node in nodes)


def _stage_table(nodes: RunNodes) -> DataTable:
    rows = []
    for stage in nodes.stages:
        found = nodes.of_stage(stage)
        rows.append(
            (
                stage,
                state_counts(found),
                format_duration(_seconds(found)),
                format_duration(max(node.wall_seconds for node in found)),
                format_size(sum(node.size_bytes for node in found)),
            )
        )
    header = ("stage", "nodes", "build time", "longest", "on disk")
    return DataTable("Stages, in the order of the DAG", header, rows, left=2)


def _timeline(nodes: RunNodes) -> Chart | None:
    """When the run worked on what; None if it built nothing."""
    built = [(node, end) for node in nodes.nodes for end in _end(node)]
    if not built:
        return None
    begin = min(end - node.wall_seconds for node, end in built)
    stages = list(dict.fromkeys(node.stage for node, _ in built))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [node.stage for node, _ in built],
            "base": [round(end - node.wall_seconds - begin, 3) for node, end in built],
            "x": [node.wall_seconds for node, _ in built],
            "customdata": [node.name for node, _ in built],
            "marker": {"color": PALETTE[0], "opacity": 0.6},
            "hovertemplate": "%{customdata}: %{x:,.1f} s, from %{base:,.1f} s<extra></extra>",
        }
    ]
    layout = {
        "barmode": "overlay",
        "bargap": 0.3,
        "showlegend": False,
        "xaxis": {"title": {"text": "seconds since the first build began"}},
        "yaxis": {
            "autorange": "reversed", "type": "category", "dtick": 1, "categoryorder": "array",
            "categoryarray": stages,
        },
    }  # fmt: skip
    last = max(end for _, end in built) - begin
    summary = f"{len(built)} nodes of {len(stages)} stages were built in {format_duration(last)}."
    return Chart("When each node was built", summary, traces, layout, 120 + 26 * len(stages))


def _end(node: RunNode) -> Iterator[float]:
    """When the run finished the node, in seconds; nothing if it did not build it."""
    if node.status == "built" and isinstance(text := node.measured.get("finished"), str):
        with suppress(ValueError):
            yield datetime.fromisoformat(text).timestamp()


def _node_table(nodes: RunNodes) -> DataTable:
    rows = [
        (
            node.name,
            node.status if node.manifest else f"{node.status}, removed since",
            format_duration(node.wall_seconds) if node.measured else ABSENT,
            format_size(node.size_bytes),
            node.manifest.key[:_KEY_DIGITS] if node.manifest else ABSENT,
            node.manifest.digest[:_KEY_DIGITS] if node.manifest else ABSENT,
        )
        for node in nodes.nodes
    ]
    header = ("node", "state", "build time", "on disk", "key", "digest")
    return DataTable("Nodes", header, rows, left=2)
