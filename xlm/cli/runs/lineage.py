"""`xlm lineage`: from a published file back to its sources."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import typer

from xlm.cli.output import one_line, printable, show
from xlm.config.environment import MachineSettings, remote_url
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError
from xlm.pipeline.remote import open_remote
from xlm.report.lineage.document import Lineage
from xlm.report.lineage.mermaid import mermaid_text
from xlm.report.lineage.read import read_lineage
from xlm.report.lineage.trace import FindRemote
from xlm.report.lineage.tree import tree_text
from xlm.store.manifest import Manifest
from xlm.store.remote.remote_store import RemoteStore

Format = Literal["text", "json", "mermaid"]


def print_lineage(path: Path, output_format: str, root: str | None) -> None:
    """Print the lineage of a file or folder; what is missing or damaged is a line on stderr.

    Raises:
        ConfigError: the format is unknown.
        StoreError: the path belongs to no artifact with a readable manifest.
        typer.Exit: something is missing or damaged; the rest was printed.
    """
    printers: dict[str, Callable[[Lineage], str]] = {
        "text": lambda found: "\n".join(map(printable, tree_text(found).split("\n"))),
        "json": lambda found: found.model_dump_json(indent=1),
        "mermaid": mermaid_text,
    }
    if output_format not in printers:
        names = list(get_args(Format))
        raise ConfigError(
            f"invalid --format {printable(output_format)!r}", fix=did_you_mean(output_format, names)
        )
    lineage = read_lineage(path, MachineSettings.from_environment(root).root, _find_remote())
    show(printers[output_format](lineage))
    for fault in lineage.faults:
        sys.stderr.write(f"xlm: {one_line(fault)}\n")
    if lineage.faults:
        raise typer.Exit(1)


def _find_remote() -> FindRemote | None:
    """Looks up manifests in the store of XLM_REMOTE, which is opened when one is needed."""
    if (url := remote_url()) is None:
        return None
    opened: list[RemoteStore] = []

    def find(stage: str, key: str) -> Manifest | None:
        if not opened:
            opened.append(open_remote(url))
        found = opened[0].find(stage, key)
        return found.manifest if found else None

    return find
