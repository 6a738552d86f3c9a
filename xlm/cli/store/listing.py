"""`xlm store`: list artifacts, and compare them with their manifests."""

import json
from dataclasses import asdict

import typer

from xlm.cli.output import printable, show
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.errors import StoreError
from xlm.stages.registry import stage_named
from xlm.store.integrity.pruned import is_pruned
from xlm.store.integrity.verification import verify_store
from xlm.store.manifest import read_manifest
from xlm.store.store import ArtifactStore, Verify


def list_artifacts(stage: str | None, root: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each served artifact.

    Raises:
        ConfigError: no such stage.
    """
    if stage is not None:
        stage_named(stage)
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
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
                "size": format_size(manifest.size_bytes),
                "pruned": is_pruned(directory),
                "directory": str(directory),
            }
        )
    if as_json:
        show(json.dumps(rows, indent=1))
        return
    for row in rows:
        node = f"{row['stage']}[{row['unit']}]"
        rest = row.get("damage") or f"{str(row['digest'])[:12]}  {row['size']}"
        rest = f"{rest}  pruned" if row.get("pruned") else rest
        show(printable(f"{node:<32}  {row['key']}  {rest}"))


def verify_artifacts(verify: Verify, root: str | None, as_json: bool) -> None:
    """Print damaged artifacts and untracked files; exit with 1 if there are any."""
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    report = verify_store(store, verify)
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=1))
    else:
        for damage in report.damaged:
            typer.echo(printable(f"{damage.stage} {damage.key}: {damage.damage}"))
        for untracked in report.untracked_files:
            line = f"{untracked.stage} {untracked.key}: {untracked.path!r} is not in the manifest"
            typer.echo(printable(line))
        typer.echo(
            f"{report.checked} artifacts checked ({verify}), {len(report.damaged)} damaged, "
            f"{len(report.untracked_files)} untracked files"
            + (f", {report.pruned} pruned" if report.pruned else "")
        )
        if report.damaged or report.untracked_files:
            typer.echo("Repair the store with `xlm run --verify deep`.")
    if report.damaged or report.untracked_files:
        raise typer.Exit(1)
