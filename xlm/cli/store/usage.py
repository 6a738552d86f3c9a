"""`xlm store du`: the disk usage of a store."""

import json

from xlm.cli.output import printable, show, terminal_width
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.display.text_table import text_table
from xlm.report.store_usage import other_usage, run_usage, stage_usage
from xlm.store.store import ArtifactStore


def print_usage(root: str | None, as_json: bool) -> None:
    """Print the usage by stage, by run and of other folders, or all of it as JSON."""
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    stages, runs, others = stage_usage(store), run_usage(store), list(other_usage(store))
    if as_json:
        found = {
            "stages": [row._asdict() for row in stages],
            "runs": [row._asdict() for row in runs],
            "other": dict(others),
        }
        show(json.dumps(found, indent=1))
        return
    artifacts = sum(row.size_bytes for row in stages)
    staging = sum(row.staging_bytes for row in stages)
    rows = [
        (row.stage, str(row.artifacts), format_size(row.size_bytes), _if_any(row.staging_bytes))
        for row in stages
    ]
    count = sum(row.artifacts for row in stages)
    rows.append(("all", str(count), format_size(artifacts), _if_any(staging)))
    show(text_table(("stage", "artifacts", "size", "unfinished"), rows, width=terminal_width()))
    for name, size_bytes in others:
        show(f"{name + '/':<12}  {format_size(size_bytes)}")
    if runs:
        cells = [
            (
                row.number,
                printable(row.name),
                row.started[:16],
                str(row.artifacts),
                format_size(row.size_bytes),
                format_size(row.own_bytes),
            )
            for row in runs
        ]
        header = ("run", "name", "started (UTC)", "artifacts", "size", "only this run")
        show(f"\n{text_table(header, cells, width=terminal_width(), left=range(3))}")


def _if_any(size_bytes: int) -> str:
    return format_size(size_bytes) if size_bytes else ""
