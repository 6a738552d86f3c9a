"""`xlm status`: the builds that run or were stopped."""

import json

from xlm.cli.output import printable, show
from xlm.config.environment import MachineSettings
from xlm.display.text_table import text_table
from xlm.report.activity.builds import build_rows, build_table
from xlm.store.store import ArtifactStore


def print_status(root: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each build without an artifact yet."""
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    rows = list(build_rows(store))
    if as_json:
        show(json.dumps([row._asdict() for row in rows], indent=1, ensure_ascii=False))
        return
    if not rows:
        show(printable(f"Nothing runs in {store.root}, and nothing was stopped."))
        return
    header, cells = build_table(rows)
    cells = [tuple(map(printable, line)) for line in cells]
    show(text_table(header, cells, left=range(len(header))))
