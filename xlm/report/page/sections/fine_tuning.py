"""The curves of fine-tuning: loss and dev accuracy of each cell of the sweep."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from xlm.classification.results.attempts import read_attempts, training_name
from xlm.display.plotting import Series
from xlm.report.page.charts import line_chart
from xlm.report.page.content import Block, Note
from xlm.report.page.run_nodes import RunNodes
from xlm.store.integrity.pruned import is_pruned

_MOST_CURVES = 24
"""More curves than this look alike."""


def fine_tuning_curves(nodes: RunNodes) -> Iterator[Block]:
    """A chart of dev accuracy and one of the loss; those of the published restart of each cell."""
    kept, unread = _kept_restarts(nodes)
    if unread:
        yield Note(f"The curves of {' '.join(unread)} cannot be read.", is_warning=True)
    if len(kept) > _MOST_CURVES:
        yield Note(f"The curves are those of the first {_MOST_CURVES} of {len(kept)} models.")
    shown = dict(list(kept.items())[:_MOST_CURVES])
    dev = {
        unit: _series(restart, f"{training_name(restart)}_dev", scale=100)
        for unit, restart in shown.items()
    }
    losses = {unit: _series(restart, "loss", scale=1) for unit, restart in shown.items()}
    if shown:
        yield line_chart("Fine-tuning: dev accuracy in training languages", dev, unit="per cent")
        yield line_chart("Fine-tuning: training loss", losses, unit="nats per row")


def _kept_restarts(nodes: RunNodes) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """The records of the published restarts by cell, and the cells whose records are damaged."""
    found: dict[str, Mapping[str, Any]] = {}
    unread = []
    for node in nodes.of_stage("finetune"):
        if node.manifest is None or is_pruned(node.directory):
            continue
        try:
            restart = read_attempts(node.directory).kept
            if restart["evaluations"]:
                found[node.unit] = restart
        except (OSError, json.JSONDecodeError, LookupError):
            unread.append(node.name)
    return found, unread


def _series(restart: Mapping[str, Any], name: str, *, scale: float) -> Series:
    rows = restart["evaluations"]
    updates = tuple(int(row["step"]) for row in rows)
    return Series(updates, tuple(scale * row[name] for row in rows))
