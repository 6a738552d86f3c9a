"""`xlm store rm` and `xlm store gc`."""

import json
import sys
from collections.abc import Sequence

from xlm.cli.output import counted, printable, show
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.pipeline.needed import needed_artifacts, runs_with_names
from xlm.store.cleaning.chosen import remove_artifacts
from xlm.store.cleaning.garbage import Garbage, collect_garbage, find_garbage
from xlm.store.store import ArtifactStore


def remove(keys: Sequence[str], force: bool, root: str | None) -> None:
    """Remove artifacts and print one line for each.

    Raises:
        StoreError: there is no such artifact, or something needs it.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root)
    names = runs_with_names(store.root)
    removed = remove_artifacts(
        store,
        keys,
        force=force,
        users_of=lambda one: [f"run {name}" for name in names.get((one.stage, one.key), ())],
    )
    for one in removed:
        show(printable(f"removed {one.name}  {one.key}  {format_size(one.size_bytes)}"))


def collect(dry_run: bool, keep_runs: int, root: str | None, as_json: bool) -> None:
    """Remove what nothing needs, or only print it.

    Raises:
        StoreError: a record of what is needed is damaged.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=not dry_run)
    if dry_run:
        garbage = find_garbage(store, needed_artifacts(store.root, keep_runs))
    elif store.root.is_dir():
        garbage = collect_garbage(
            store,
            lambda: needed_artifacts(store.root, keep_runs),
            report=_report,
        )
    else:
        garbage = Garbage()
    if as_json:
        show(json.dumps(_as_json(garbage, dry_run), indent=1))
        return
    for one in garbage.artifacts:
        show(printable(f"{one.name:<32}  {one.key}  {format_size(one.size_bytes)}"))
    for left in garbage.leftovers:
        show(printable(f"{left.name:<32}  unfinished  {format_size(left.size_bytes)}"))
    verb = "would be removed" if dry_run else "removed"
    parts = [counted(len(garbage.artifacts), "artifact")]
    if garbage.leftovers:
        parts.append(counted(len(garbage.leftovers), "unfinished build"))
    show(
        f"{' and '.join(parts)} {verb} ({format_size(garbage.size_bytes)}), "
        f"{counted(garbage.kept, 'artifact')} kept"
    )


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _as_json(garbage: Garbage, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "artifacts": [
            {
                "stage": one.stage,
                "unit": one.manifest.unit if one.manifest else None,
                "key": one.key,
                "size_bytes": one.size_bytes,
            }
            for one in garbage.artifacts
        ],
        "unfinished": [
            {"name": one.name, "size_bytes": one.size_bytes} for one in garbage.leftovers
        ],
        "size_bytes": garbage.size_bytes,
        "kept": garbage.kept,
    }
