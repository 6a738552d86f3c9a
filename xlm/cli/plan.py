"""`xlm plan`: what would run and why, one line a node."""

import json
from collections import Counter

from xlm.cli.output import show
from xlm.cli.request import print_warnings
from xlm.config.settings import Settings
from xlm.pipeline.plan import Step, plan
from xlm.pipeline.request import RunRequest
from xlm.store.store import ArtifactStore


def print_plan(request: RunRequest, root: str | None, as_json: bool) -> None:
    """Print the steps; lines are never cut, so that they can be piped."""
    store = ArtifactStore.open(Settings.of_environment(root).root, write=False)
    steps = plan(request, store)
    print_warnings(request.resolve())
    if as_json:
        show(json.dumps([_as_json(step) for step in steps], indent=1, ensure_ascii=False))
        return
    width = max((len(str(step.node)) for step in steps), default=0)
    for step in steps:
        show(f"{step.node!s:<{width}}  {step.status:<7}  {_explain(step)}".rstrip())
    totals = Counter(step.status for step in steps)
    show(", ".join(f"{count} {status}" for status, count in totals.items()))


def _explain(step: Step) -> str:
    if step.status == "cached":
        return f"{step.key}  {step.size}"
    parts = ["; ".join(step.reasons)]
    if step.addresses:
        parts += [step.size, *step.addresses]
    return "  ".join(parts)


def _as_json(step: Step) -> dict[str, object]:
    return {
        "stage": step.node.stage,
        "unit": step.node.unit,
        "status": step.status,
        "reasons": step.reasons,
        "key": step.key,
        "size": step.size,
        "addresses": step.addresses,
    }
