"""`xlm store`: list artifacts, check them against their manifests."""

import json

import typer

from xlm.cli.output import show
from xlm.config.settings import Settings
from xlm.errors import StoreError
from xlm.markdown import size
from xlm.pipeline.graph import stage_named
from xlm.store.manifest import read_manifest
from xlm.store.store import ArtifactStore, Verify


def list_artifacts(stage: str | None, root: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each served artifact.

    Raises:
        ConfigError: no such stage.
    """
    if stage is not None:
        stage_named(stage)
    store = ArtifactStore.open(Settings.of_environment(root).root, write=False)
    rows: list[dict[str, str | int]] = []
    for name, key, directory in store.artifacts():
        if stage is not None and name != stage:
            continue
        try:
            manifest = read_manifest(directory)
        except StoreError as error:
            rows.append({"stage": name, "unit": "?", "key": key, "damage": error.what})
            continue
        rows.append(
            {
                "stage": name,
                "unit": manifest.unit,
                "key": key,
                "digest": manifest.digest,
                "size_bytes": manifest.size_bytes,
                "size": size(manifest.size_bytes),
                "directory": str(directory),
            }
        )
    if as_json:
        show(json.dumps(rows, indent=1))
        return
    for row in rows:
        node = f"{row['stage']}[{row['unit']}]"
        rest = row.get("damage") or f"{str(row['digest'])[:12]}  {row['size']}"
        show(f"{node:<32}  {row['key']}  {rest}")


def verify_artifacts(verify: Verify, root: str | None, as_json: bool) -> None:
    """Print what is damaged; exit code 1 if anything is."""
    store = ArtifactStore.open(Settings.of_environment(root).root, write=False)
    found = []
    count = 0
    for stage, key, _ in store.artifacts():
        count += 1
        if (damage := store.damage(stage, key, verify)) is not None:
            found.append({"stage": stage, "key": key, "damage": damage})
    if as_json:
        show(json.dumps({"checked": count, "damaged": found}, indent=1))
    else:
        for row in found:
            show(f"{row['stage']} {row['key']}: {row['damage']}")
        show(f"{count} artifacts checked ({verify}), {len(found)} damaged")
    if found:
        raise typer.Exit(1)
