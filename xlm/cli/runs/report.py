"""`xlm report`: one page of HTML with everything that a run has."""

from pathlib import Path

from xlm.cli.output import describe, printable, show
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.errors import ConfigError, StoreError
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.pipeline.run_record import last_run, paths_of, report_path
from xlm.report.page.write import write_report
from xlm.store.store import ArtifactStore


def print_report(name: str | None, out: Path | None, root: str | None) -> None:
    """Write the report of a run and print its path.

    Raises:
        ConfigError: the file cannot be written, or is something else than a file.
        StoreError: there is no such run.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    record = last_run(store.root) if name is None else find_run(store.root, name)
    if record is None:
        raise StoreError(
            f"no run {(name or '')[:80]!r} in {store.root}", fix="list the runs with `xlm runs`"
        )
    if out is not None and out.exists() and not out.is_file():
        raise ConfigError(f"--out {out} is not a file", fix="name a file of HTML")
    path = out or report_path(next(paths_of(store.root, record)))
    try:
        write_report(store, record, path)
    except OSError as error:
        raise ConfigError(
            f"the report of run {run_label(record)} cannot be written: {describe(error)}",
            fix="name another file with --out",
        ) from error
    show(printable(f"{path} ({format_size(path.stat().st_size)})"))
