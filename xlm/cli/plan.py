"""`xlm plan`: what a run would do with each node, and why."""

import json
import re
from collections import Counter
from textwrap import fill, wrap

from rich.cells import cell_len

from xlm.cli.output import show, terminal_width
from xlm.cli.request import print_warnings
from xlm.config.environment import MachineSettings
from xlm.engine.plan import PlannedNode
from xlm.pipeline.dag import plan_request
from xlm.pipeline.pretraining_plan import pretraining_lines
from xlm.pipeline.request import RunRequest
from xlm.store.store import ArtifactStore

_DIGEST = re.compile(r"\b[0-9a-f]{24,128}\b")


def print_plan(request: RunRequest, root: str | None, as_json: bool) -> None:
    """Print a line for each node. Nothing is cut; lines are wrapped only on a terminal."""
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    steps, config = plan_request(request, store, with_remote=True), request.resolve()
    print_warnings(config)
    if as_json:
        show(json.dumps([_as_json(step) for step in steps], indent=1, ensure_ascii=False))
        return
    columns = terminal_width()
    width = max((cell_len(str(step.node)) for step in steps), default=0)
    for step in steps:
        name = str(step.node) + " " * (width - cell_len(str(step.node)))
        show(_line(f"{name}  {step.status:<7}", _explain(step), columns))
    # The sizes of shards come from the store, even if the request does not build them.
    sized = plan_request(request.building("pretrain"), store) if request.only else steps
    for line in pretraining_lines(config, steps, sized, store):
        show(line if columns is None else fill(line, columns, subsequent_indent="    "))
    totals = Counter(step.status for step in steps)
    show(", ".join(f"{count} {status}" for status, count in totals.items()) or "nothing to build")


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
