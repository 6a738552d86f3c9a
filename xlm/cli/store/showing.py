"""`xlm store show`: one artifact."""

import json
from collections.abc import Sequence

from xlm.cli.output import printable, shortened, show, terminal_width
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_duration, format_size
from xlm.display.text_table import text_table
from xlm.report.artifact_facts import ArtifactFacts, Upstream, artifact_facts
from xlm.report.comparison.settings import shown_value
from xlm.store.manifest import Manifest
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored, find_artifact

_SHOWN = 12


def show_artifact(key: str, root: str | None, as_json: bool) -> None:
    """Print an artifact as lines and tables, or as JSON.

    Raises:
        StoreError: there is no such artifact, or several, or its manifest is damaged.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    facts = artifact_facts(store, find_artifact(store, key))
    if as_json:
        show(json.dumps(_as_json(facts), indent=1, ensure_ascii=False))
        return
    manifest, stored = facts.manifest, facts.stored
    took = f" in {format_duration(facts.wall_seconds)}" if facts.wall_seconds is not None else ""
    built = f"{facts.finished[:19].replace('T', ' ')} UTC{took}" if facts.finished else "unknown"
    counts = ", ".join(f"{name} {_number(value)}" for name, value in manifest.counts.items())
    lines = [
        (stored.name, stored.key),
        ("digest", manifest.digest),
        ("folder", str(stored.directory)),
        ("built", built + ("" if stored.served else "; other bytes of this key are served")),
        ("size", _size(stored, manifest)),
        ("counts", counts),
        ("runs", ", ".join(facts.runs) or "none that is recorded"),
        ("used by", _named(facts.dependents) or "no artifact"),
    ]
    for name, value in lines:
        show(printable(f"{name:<16}  {value}"))
    _print_upstream(facts)
    _print_differences(facts)


def _named(artifacts: Sequence[Stored]) -> str:
    shown = [f"{one.name} {one.key[:12]}" for one in artifacts[:_SHOWN]]
    more = len(artifacts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _print_upstream(facts: ArtifactFacts) -> None:
    if not facts.upstream:
        return
    rows = [(one.role, f"{one.stage}[{one.unit}]", one.key, _state(one)) for one in facts.upstream]
    show("\nBuilt from")
    show(text_table(("input", "artifact", "key", ""), rows, left=range(4)))


def _state(upstream: Upstream) -> str:
    if not upstream.is_here:
        return "not in the store"
    return "pruned" if upstream.is_pruned else ""


def _size(stored: Stored, manifest: Manifest) -> str:
    if stored.is_pruned:
        return f"{format_size(manifest.size_bytes)} until it was pruned"
    return f"{format_size(stored.size_bytes)} in {len(manifest.all_files)} files"


def _print_differences(facts: ArtifactFacts) -> None:
    name = facts.stored.name
    if not facts.siblings:
        show(f"\nThere is no other {printable(name)}.")
        return
    stored = [facts.stored, *facts.siblings][:_SHOWN]
    header = ("setting", *(one.key[:12] for one in stored))
    rows = [
        (row.name, *(shortened(shown_value(value)) for value in row.values[:_SHOWN]))
        for row in facts.differences
    ]
    show(f"\nDifferences from the other {len(facts.siblings)} {printable(name)}")
    show(text_table(header, rows, width=terminal_width(), left=range(len(header))))


def _number(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _as_json(facts: ArtifactFacts) -> dict[str, object]:
    manifest = facts.manifest
    return {
        "stage": manifest.stage,
        "unit": manifest.unit,
        "key": manifest.key,
        "digest": manifest.digest,
        "directory": str(facts.stored.directory),
        "served": facts.stored.served,
        "pruned": facts.stored.is_pruned,
        "finished": facts.finished,
        "wall_seconds": facts.wall_seconds,
        "size_bytes": facts.stored.size_bytes,
        "files": len(manifest.all_files),
        "counts": manifest.counts,
        "config": manifest.config,
        "runs": facts.runs,
        "upstream": [vars(one) for one in facts.upstream],
        "used_by": [{"stage": one.stage, "key": one.key} for one in facts.dependents],
        "siblings": [one.directory.name for one in facts.siblings],
        "differences": {row.name: row.values for row in facts.differences},
    }
