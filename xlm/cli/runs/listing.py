"""`xlm runs`: the runs of a store, newest first."""

import json

from xlm.cli.output import printable, show, terminal_width
from xlm.config.environment import MachineSettings
from xlm.display.text_table import text_table
from xlm.errors import StoreError
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.pipeline.run_record import delete_record, run_state
from xlm.report.runs.listing import run_rows, run_table
from xlm.store.disk.root import resolve_root


def print_runs(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each run.

    In a terminal, long changes are cut at its width.
    """
    home = resolve_root(MachineSettings.from_environment(root).root, write=False)
    rows = list(run_rows(home, profile))
    if as_json:
        show(json.dumps([row._asdict() for row in rows], indent=1, ensure_ascii=False))
        return
    if not rows:
        of_profile = f" of profile {profile}" if profile else ""
        show(printable(f"No runs{of_profile} in {home}. Start one with `xlm run`."))
        return
    header, cells = run_table(rows)
    cells = [tuple(map(printable, line)) for line in cells]
    width = terminal_width()
    for line in text_table(header, cells, left=range(len(header))).splitlines():
        show(line if width is None or len(line) <= width else f"{line[: width - 1]}…")


def forget_run(name: str, root: str | None) -> None:
    """Delete the record of a run that does not go on.

    Raises:
        StoreError: there is no such run, or it goes on.
    """
    home = resolve_root(MachineSettings.from_environment(root).root)
    record = find_run(home, name)
    if record is None:
        raise StoreError(f"no run {name[:80]!r} in {home}", fix="list the runs with `xlm runs`")
    if run_state(record, home) == "running":
        raise StoreError(f"run {run_label(record)} goes on", fix="wait until it has ended")
    delete_record(home, record)
    show(
        printable(f"run {run_label(record)} forgotten; `xlm store gc` removes what only it needed")
    )
