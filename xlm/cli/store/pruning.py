"""`xlm store prune`."""

import json
import sys
from collections import Counter
from collections.abc import Sequence

from xlm.cli.output import counted, printable, show
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.display.text_table import text_table
from xlm.pipeline.prunable import Prunable, prunable_artifacts
from xlm.stages.registry import STAGES, stage_named
from xlm.store.cleaning.pruning import Pruned, find_prunable, prune_artifacts
from xlm.store.store import ArtifactStore


def prune(
    dry_run: bool, keep_runs: int, keep: Sequence[str], root: str | None, as_json: bool
) -> None:
    """Prune what only finished stages needed, or only print it.

    Raises:
        ConfigError: a stage to keep does not exist.
        StoreError: a run record is damaged.
    """
    stages = {stage_named(name).name for name in keep}
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=not dry_run)
    store.keep_digests()
    found = Prunable()

    def choose() -> Prunable:
        nonlocal found
        found = prunable_artifacts(store, keep_runs, stages)
        return found

    if dry_run:
        pruned = find_prunable(store, choose().artifacts)
    elif store.root.is_dir():
        pruned = prune_artifacts(store, lambda: choose().artifacts, _report)
    else:
        pruned = Pruned()
    if as_json:
        show(json.dumps(_as_json(pruned, found, dry_run), indent=1))
        return
    _print_stages(pruned)
    for reason, count in Counter(found.kept.values()).most_common():
        show(printable(f"kept {counted(count, 'artifact')}: {reason}"))
    if pruned.in_use:
        show(f"kept {counted(len(pruned.in_use), 'artifact')}: in use by a run")
    if pruned.unfinished:
        verb = "would be removed" if dry_run else "removed"
        show(f"files of {counted(len(pruned.unfinished), 'pruned artifact')} {verb}")
    verb = "would be pruned" if dry_run else "pruned"
    show(
        f"{counted(len(pruned.artifacts), 'artifact')} {verb} ({format_size(pruned.size_bytes)} "
        f"{'to free' if dry_run else 'freed'})"
    )


def _print_stages(pruned: Pruned) -> None:
    rows = []
    for stage in STAGES:
        sizes = [size for one, size in pruned.artifacts if one.stage == stage.name]
        if sizes:
            rows.append((stage.name, str(len(sizes)), format_size(sum(sizes))))
    if rows:
        show(text_table(("stage", "artifacts", "size"), rows))


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _as_json(pruned: Pruned, found: Prunable, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "artifacts": [
            {
                "stage": one.stage,
                "unit": one.manifest.unit if one.manifest else None,
                "key": one.key,
                "freed_bytes": size_bytes,
            }
            for one, size_bytes in pruned.artifacts
        ],
        "kept": [
            {"stage": stage, "key": key, "reason": reason}
            for (stage, key), reason in sorted(found.kept.items())
        ],
        "in_use": [{"stage": one.stage, "key": one.key} for one in pruned.in_use],
        "freed_bytes": pruned.size_bytes,
    }
