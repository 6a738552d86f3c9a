"""The runs or artifacts that are compared: their settings, results and curves.

member = find_member(store, "base")          # a run, or an artifact with all that it was built from
member.directory("evaluate")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored, find_artifact, looks_like_key, upstream_of


@dataclass(frozen=True)
class Member:
    """A run, or an artifact."""

    label: str
    """In sentences and headers: `base`, `run 12`, `evaluate 4ae1c09b`."""
    name: str
    """In columns: a run as `xlm runs` prints it, an artifact like `label`."""
    config: Mapping[str, Any]
    """The complete configuration."""
    directories: Mapping[str, Path]
    """The artifacts of the stages with a single unit, by stage."""

    def directory(self, stage: str) -> Path | None:
        """The artifact of a stage, or None if there is none or it was removed."""
        path = self.directories.get(stage)
        return path if path is not None and path.is_dir() else None


def find_member(store: ArtifactStore, text: str) -> Member:
    """Find a run by name, number or start time, or an artifact by the start of its key.

    Raises:
        StoreError: there is no such run or artifact, or several.
    """
    record = find_run(store.root, text)
    if record is not None:
        directories = {
            node["stage"]: store.root / node["directory"]
            for node in record["nodes"]
            if node["unit"] == "all"
        }
        label = record["request"]["name"] or f"run {run_label(record)}"
        return Member(label, run_label(record), record.get("config", {}), directories)
    if not looks_like_key(text):
        raise StoreError(
            f"no run {text[:80]!r} in {store.root}", fix="list the runs with `xlm runs`"
        )
    return _of_artifact(store, find_artifact(store, text))


def _of_artifact(store: ArtifactStore, chosen: Stored) -> Member:
    if chosen.manifest is None:
        raise StoreError(f"{chosen.directory} is damaged", fix="check it with `xlm store verify`")
    found = {
        one.stage: one.directory
        for one in [*upstream_of(store, chosen), chosen]
        if one.manifest is not None and one.manifest.unit == "all"
    }
    label = f"{chosen.stage} {chosen.key[:8]}"
    return Member(label, label, chosen.manifest.resolved_config, found)
