"""`xlm store verify --remote`."""

import json
from dataclasses import asdict
from datetime import timedelta

import typer

from xlm.cli.output import counted, printable, show
from xlm.cli.progress_lines import ProgressLines
from xlm.display.markdown import format_size
from xlm.pipeline.remote import require_remote
from xlm.store.remote.transfers import ByteCount
from xlm.store.remote.verification import remove_orphans, verify_remote
from xlm.store.store import Verify


def verify(verify: Verify, orphans_days: int | None, url: str | None, as_json: bool) -> None:
    """Print damaged artifacts and orphans; exit with 1 if an artifact is damaged.

    Raises:
        ConfigError: no remote store is set.
        RemoteStoreError: the remote store cannot be used.
    """
    remote = require_remote(url)
    with ProgressLines("store verify", "bytes") as progress:
        report = verify_remote(remote, verify, on_bytes=ByteCount(progress.update).add)
        removed = (
            []
            if orphans_days is None
            else remove_orphans(remote, report.orphans, timedelta(days=orphans_days))
        )
    if as_json:
        show(json.dumps(asdict(report) | {"removed": [asdict(one) for one in removed]}, indent=1))
    else:
        for damage in report.damaged:
            show(printable(f"{damage.stage} {damage.key}: {damage.damage}"))
        for one in report.orphans:
            verb = "removed" if one in removed else "orphan"
            show(
                printable(
                    f"{verb}: {one.stage} {one.key} {one.builder}: {counted(one.objects, 'file')}, "
                    f"{format_size(one.size_bytes)}, written {one.modified}"
                )
            )
        for name in report.unknown_objects:
            show(printable(f"unknown object: {name!r}"))
        show(
            f"{counted(report.checked, 'artifact')} checked ({verify}, "
            f"{format_size(report.size_bytes)}) in {remote.url}, {len(report.damaged)} damaged, "
            f"{counted(len(report.orphans), 'orphan')}"
        )
        if report.damaged:
            show("Repair them from an intact store with `xlm store push KEY --replace`.")
    if report.damaged:
        raise typer.Exit(1)
