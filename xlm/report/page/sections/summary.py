"""The head of a report: figures, what was run and how, and the complete settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm.display.markdown import ABSENT, format_decimal, format_duration, format_percent
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_lookup import run_number, start_time
from xlm.pipeline.run_record import run_state
from xlm.report.comparison.settings import flat_settings, shown_value
from xlm.report.page.content import Block, Code, DataTable, Note, Section, Tiles, folded
from xlm.report.page.run_nodes import INPUT, RunNodes
from xlm.report.page.sections.stages import state_counts

_FIGURES = (
    ("evaluate", "test", "test accuracy, mean, per cent", format_percent),
    ("evaluate", "perplexity", "perplexity, mean", format_decimal),
    ("evaluate", "retrieval_centred", "P@1, mean, per cent", format_percent),
    ("pretrain", "best_validation_perplexity", "best validation perplexity", format_decimal),
)
"""Stage, count in its manifest, name, format."""


def summary_section(nodes: RunNodes, record: Mapping[str, Any], root: Path) -> Section:
    """The figures of a run, and what was run."""
    state = run_state(record, root)
    own = [node for node in nodes.nodes if node.status != INPUT]
    tiles = [(state, "state of the run"), *_figures(nodes)]
    tiles += [
        (format_duration(record.get("seconds")), "time"),
        (state_counts(own) or ABSENT, "nodes"),
    ]
    blocks: list[Block] = [Tiles(tiles)]
    if missing := max(0, record["selected"] - len(record["nodes"])):
        blocks.append(
            Note(f"{missing:,} of {record['selected']:,} nodes have no artifact.", is_warning=True)
        )
    config = record.get("config", {})
    if config.get("sample") is not None:
        blocks.append(
            Note(
                "This run used synthetic text of a small generated world. Its figures cannot be "
                "compared with those of real data."
            )
        )
    request = RunRequest.model_validate(record["request"])
    rows = [
        ("run", " ".join(filter(None, (f"#{run_number(record)}", request.name)))),
        ("started (UTC)", start_time(record)),
        ("finished (UTC)", str(record["finished"] or ABSENT)[:19].replace("T", " ")),
        ("profile", request.profile),
        ("changes", " ".join(request.overrides) or "none"),
        ("languages", ", ".join(config.get("languages", ())) or ABSENT),
        ("store", str(root)),
    ]
    blocks += [
        DataTable("This run", ("what", "value"), rows, left=2),
        Note("Build it again or continue it:"),
        Code(request.command(root)),
    ]
    return Section("summary", "Summary", blocks)


def settings_section(record: Mapping[str, Any]) -> Section:
    """Every setting of the run with its value."""
    rows = [(name, shown_value(value)) for name, value in flat_settings(record.get("config", {}))]
    blocks: list[Block] = []
    if rows:
        blocks.append(folded(DataTable("All settings", ("setting", "value"), rows, left=2)))
    return Section("settings", "Settings", blocks)


def _figures(nodes: RunNodes) -> list[tuple[str, str]]:
    found = []
    for stage, count, name, shown in _FIGURES:
        for node in nodes.of_stage(stage):
            value = node.manifest.counts.get(count) if node.manifest else None
            if isinstance(value, int | float):
                found.append((shown(value), name))
    return found
