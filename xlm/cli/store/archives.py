"""`xlm store export` and `xlm store import`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xlm.cli.output import counted, printable, show
from xlm.cli.progress_lines import ProgressLines
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.errors import ConfigError, StoreError
from xlm.pipeline.imported_run import add_imported_record, checked_record
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.report.run_results import existing_directory
from xlm.store.archives.exporting import export_artifacts
from xlm.store.archives.importing import open_archive
from xlm.store.archives.imports import record_import
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, Stored, find_artifact, looks_like_key, stored_artifacts


def export(name: str, to: Path, single: bool, root: str | None) -> None:
    """Write an archive and print what is in it.

    Raises:
        ConfigError: the archive exists, or the options contradict each other.
        StoreError: there is no such artifact or run, or an artifact was removed or is damaged.
    """
    if to.suffix.lower() != ".zip":
        raise ConfigError(f"invalid --to {str(to)!r}", fix="name a .zip file")
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    record = find_run(store.root, name)
    if record is not None and single:
        raise ConfigError("--single exports one artifact, not a run", fix="name the artifact's key")
    if record is None and not looks_like_key(name):
        raise StoreError(
            f"no run {name[:80]!r} in {store.root}",
            fix="list the runs with `xlm runs`, and the artifacts with `xlm store ls`",
        )
    chosen = _of_run(store, record) if record else [find_artifact(store, name)]
    catalogue = Catalogue(stored_artifacts(store))
    directories = {one.directory for one in chosen}
    upstream = [
        one
        for one in (catalogue.closure(chosen) if not single else ())
        if one.directory not in directories
    ]
    pruned = [one for one in (*chosen, *upstream) if one.is_pruned]
    chosen = [one for one in chosen if not one.is_pruned]
    upstream = [one for one in upstream if not one.is_pruned]
    if not chosen:
        raise StoreError(
            f"{pruned[0].name} {pruned[0].key} was pruned: its files are not here to be exported",
            fix="build it again with `xlm run --only`",
        )
    total = sum(one.size_bytes for one in (*chosen, *upstream))
    with ProgressLines("store export", "bytes", total=total) as progress:
        export_artifacts(store, chosen, upstream, to, run=record, on_bytes=_adding(progress))
    what = f"run {run_label(record)}" if record else chosen[0].name
    count = counted(len(chosen) + len(upstream), "artifact")
    left = f"; without {counted(len(pruned), 'pruned artifact')}" if pruned else ""
    show(printable(f"{to}: {what}, {count}, {format_size(to.stat().st_size)}{left}"))


def import_file(path: Path, root: str | None) -> None:
    """Add the artifacts of an archive to the store, and the record of its run.

    Raises:
        DataError: the archive is damaged or malicious. Nothing was added.
        StoreError: the store has other bytes for a key, or too little space.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root)
    with open_archive(path) as archive:
        record = None if archive.index.run is None else checked_record(archive.index.run, path)
        chosen = archive.manifests[: archive.index.chosen]
        with ProgressLines("store import", "bytes", total=archive.size_bytes) as progress:
            added = archive.publish(
                store,
                _adding(progress),
                record=lambda: (
                    record_import(store.root, chosen)
                    if record is None
                    else add_imported_record(store.root, record)
                ),
            )
    size_bytes = sum(manifest.size_bytes for manifest in added)
    here = len(archive.manifests) - len(added)
    show(
        f"{counted(len(added), 'artifact')} imported ({format_size(size_bytes)}), {here} were here"
    )
    if record is None:
        show(printable(f"{chosen[0].stage}[{chosen[0].unit}] {chosen[0].key}"))
    else:
        show("`xlm runs` lists the run.")


def _of_run(store: ArtifactStore, record: dict[str, Any]) -> Sequence[Stored]:
    wanted = {existing_directory(record, store.root, node) for node in record["nodes"]}
    if not wanted:
        raise StoreError(
            f"run {run_label(record)} has no artifacts", fix="choose another; see `xlm runs`"
        )
    found = [one for one in stored_artifacts(store) if one.directory in wanted]
    if len(found) < len(wanted) or any(one.manifest is None for one in found):
        raise StoreError(
            f"run {run_label(record)} has damaged artifacts", fix="check with `xlm store verify`"
        )
    return found


def _adding(progress: ProgressLines) -> Callable[[int], None]:
    """A function that reports bytes of which it receives the number since its last call."""
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        progress.update(done)

    return add
