"""`xlm plan`: what a run would do with each node, why, and what it would cost."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import fill, wrap

from rich.cells import cell_len

from xlm.cli.output import show, terminal_width
from xlm.cli.request import print_warnings
from xlm.config.environment import MachineSettings
from xlm.display.text_table import text_table
from xlm.engine.plan import PlannedNode, plan_all, selected_nodes
from xlm.pipeline.costs.estimate import estimate_run
from xlm.pipeline.dag import graph_of, plan_request
from xlm.pipeline.latest import dated
from xlm.pipeline.pretraining_plan import pretraining_lines
from xlm.pipeline.remote import remote_of
from xlm.pipeline.request import RunRequest
from xlm.report.planned_costs import cost_table, costs_as_json, total_lines
from xlm.store.store import ArtifactStore

_DIGEST = re.compile(r"\b[0-9a-f]{24,128}\b")


def print_plan(
    request: RunRequest, root: str | None, workers: int | None, costs: bool, as_json: bool
) -> None:
    """Print a line for each node, then totals. Lines are wrapped only on a terminal.

    Args:
        request: what a run would build.
        root: root of the store; None: of the environment.
        workers: number of worker processes that the run would have; None: of the environment.
        costs: print the costs of each stage instead of a line for each node.
        as_json: print JSON.
    """
    settings = MachineSettings.from_environment(root, workers)
    store = ArtifactStore.open(settings.root, write=False)
    request = dated(request, settings.root, record=False)
    graph = graph_of(request)
    config, selected = graph.config, selected_nodes(graph, request)
    planned = plan_all(graph, request, store, remote_of(config))
    steps = [planned[node] for node in selected]
    estimate = estimate_run(
        graph, planned, selected, store, graph.config.compute.planned_workers(settings.workers)
    )
    print_warnings(config)
    if as_json:
        nodes = [_as_json(step) for step in steps]
        shown = {"nodes": nodes, "costs": costs_as_json(estimate)} if costs else nodes
        show(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    columns = terminal_width()
    if costs:
        header, rows = cost_table(estimate)
        if estimate.stages:
            show(text_table(header, rows, width=columns))
        _show_lines([*total_lines(estimate), _totals(steps)], columns)
        return
    width = max((cell_len(str(step.node)) for step in steps), default=0)
    for step in steps:
        name = str(step.node) + " " * (width - cell_len(str(step.node)))
        show(_line(f"{name}  {step.status:<7}", _explain(step), columns))
    # The sizes of shards come from the store, even if the request does not build them.
    sized = plan_request(request.building("pretrain"), store) if request.only else steps
    _show_lines(pretraining_lines(config, steps, sized, store), columns)
    _show_lines([*total_lines(estimate), _totals(steps)], columns)


def _show_lines(lines: Iterable[str], columns: int | None) -> None:
    for line in lines:
        show(line if columns is None else fill(line, columns, subsequent_indent="    "))


def _totals(steps: Sequence[PlannedNode]) -> str:
    totals = Counter(step.status for step in steps)
    return ", ".join(f"{count} {status}" for status, count in totals.items()) or "nothing to build"


def _line(start: str, parts: list[str], columns: int | None) -> str:
    """One line if it fits or is piped; otherwise the explanation is wrapped below it."""
    line = "  ".join([start, *parts]).rstrip()
    if columns is None or cell_len(line) <= columns:
        return line
    below = [
        wrapped
        for part in parts
        for wrapped in wrap(part, columns - 4, break_long_words=False, break_on_hyphens=False)
    ]
    return "\n".join([start.rstrip(), *(f"    {text}" for text in below)])


def _explain(step: PlannedNode) -> list[str]:
    if step.status in ("cached", "pruned", "remote"):
        return [shortened(step.key or ""), step.size]
    parts = [shortened("; ".join(step.reasons))]
    if step.urls:
        parts += [step.size, *step.urls]
    return parts


def shortened(text: str) -> str:
    """The text with each digest and key shortened to twelve digits."""
    return _DIGEST.sub(lambda found: f"{found[0][:12]}...", text)


def _as_json(step: PlannedNode) -> dict[str, object]:
    return {
        "stage": step.node.stage,
        "unit": step.node.unit,
        "status": step.status,
        "reasons": step.reasons,
        "key": step.key,
        "size": step.size,
        "addresses": step.urls,
    }
