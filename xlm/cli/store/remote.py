"""`xlm store push` and `xlm store pull`."""

import json
import re
import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from xlm.cli.output import counted, printable, show
from xlm.cli.progress_lines import ProgressLines
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_size
from xlm.engine.pushes import difference_line
from xlm.errors import ConfigError, DamagedRemoteError, RemoteStoreError, StoreError
from xlm.pipeline.remote import require_remote
from xlm.store.archives.imports import record_import
from xlm.store.artifact import Artifact
from xlm.store.integrity.pruned import is_pruned
from xlm.store.manifest import Manifest, read_manifest
from xlm.store.remote.pending import PendingPushes
from xlm.store.remote.pulling import pull_artifact
from xlm.store.remote.pushing import Outcome, push_artifact
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.remote.transfers import ByteCount
from xlm.store.remote.verification import list_remote
from xlm.store.store import ArtifactStore
from xlm.store.stored import find_artifact

_Key = tuple[str, str]
_SAID: dict[Outcome, str] = {
    "pushed": "pushed",
    "present": "is in the remote store",
    "different": "not pushed",
}


def push(
    names: Sequence[str],
    everything: bool,
    replace: bool,
    url: str | None,
    root: str | None,
    as_json: bool,
) -> None:
    """Push artifacts and print one line for each; exit with 1 if one was not pushed.

    Raises:
        ConfigError: the options contradict each other, or no remote store is set.
        RemoteStoreError: the remote store cannot be used.
        StoreError: there is no such artifact.
    """
    if names and everything:
        raise ConfigError("KEY and --all cannot be combined", fix="drop one of them")
    if replace and not names:
        raise ConfigError("--replace needs the keys to replace", fix="name them")
    remote = require_remote(url)
    local = ArtifactStore.open(MachineSettings.from_environment(root).root)
    chosen = _chosen_here(local, names, everything)
    if not remote.require_conditions():
        raise RemoteStoreError(
            f"the remote store {remote.url} can be read but not written",
            fix="use credentials that may write",
        )
    rows: list[dict[str, object]] = []
    with local.leased() as store:
        total = sum(_size(store, *one) for one in chosen)
        with ProgressLines("store push", "bytes", total=total) as progress:
            count = ByteCount(progress.update)
            for stage, key in chosen:
                rows.append(_push_one(remote, store, stage, key, replace, count, as_json))
    if as_json:
        show(json.dumps(rows, indent=1))
    else:
        done = sum(row["outcome"] == "pushed" for row in rows)
        show(f"{counted(done, 'artifact')} pushed to {remote.url}")
    if any(row["outcome"] in ("different", "failed") for row in rows):
        raise typer.Exit(1)


def _push_one(
    remote: RemoteStore,
    store: ArtifactStore,
    stage: str,
    key: str,
    replace: bool,
    count: ByteCount,
    as_json: bool,
) -> dict[str, object]:
    row: dict[str, object] = {"stage": stage, "unit": None, "key": key, "digest": None}
    try:
        with store.lock(stage, key, report=_report):
            pushed = push_artifact(
                remote,
                store,
                stage,
                key,
                replace="anything" if replace else "nothing",
                on_bytes=count.add,
            )
    except StoreError as error:
        _require_one_fault(error)
        return row | {"outcome": "failed"}
    manifest = pushed.manifest
    if pushed.outcome == "different":
        sys.stderr.write(f"xlm: warning: {stage}[{manifest.unit}]: {difference_line(pushed)}\n")
    if not as_json:
        size = format_size(manifest.size_bytes)
        show(printable(f"{_SAID[pushed.outcome]} {stage}[{manifest.unit}]  {key}  {size}"))
    return row | {
        "unit": manifest.unit,
        "digest": manifest.digest,
        "size_bytes": manifest.size_bytes,
        "outcome": pushed.outcome,
        "remote_digest": pushed.remote.manifest.digest,
    }


def pull(
    names: Sequence[str], everything: bool, url: str | None, root: str | None, as_json: bool
) -> None:
    """Pull artifacts and print one line for each; `xlm store gc` keeps them.

    Raises:
        ConfigError: neither a key nor --all is given, or no remote store is set.
        RemoteStoreError: the remote store has no such artifact, or cannot be used.
        StoreError: the disk has too little free space.
    """
    if bool(names) == everything:
        raise ConfigError("name the keys to pull, or use --all", fix="see `xlm store pull --help`")
    remote = require_remote(url)
    local = ArtifactStore.open(MachineSettings.from_environment(root).root)
    chosen = _chosen_there(remote, names)
    rows: list[dict[str, object]] = []
    pulled: list[Manifest] = []
    with local.leased() as store, ProgressLines("store pull", "bytes") as progress:
        count = ByteCount(progress.update)
        for stage, key in chosen:
            try:
                artifact, outcome = _pull_one(remote, store, stage, key, count)
            except DamagedRemoteError as error:
                _require_one_fault(error)
                rows.append({"stage": stage, "key": key, "outcome": "failed"})
                continue
            manifest = artifact.manifest
            pulled.append(manifest)
            row = {
                "stage": stage,
                "unit": manifest.unit,
                "key": key,
                "digest": manifest.digest,
                "size_bytes": manifest.size_bytes,
                "outcome": outcome,
            }
            rows.append(row)
            if not as_json:
                what = "pulled" if outcome == "pulled" else "is in the store"
                size = format_size(manifest.size_bytes)
                show(printable(f"{what} {stage}[{manifest.unit}]  {key}  {size}"))
    if pulled:
        record_import(local.root, pulled)
    if as_json:
        show(json.dumps(rows, indent=1))
    else:
        done = sum(row["outcome"] == "pulled" for row in rows)
        show(f"{counted(done, 'artifact')} pulled from {remote.url}")
    if any(row["outcome"] == "failed" for row in rows):
        raise typer.Exit(1)


def _pull_one(
    remote: RemoteStore, store: ArtifactStore, stage: str, key: str, count: ByteCount
) -> tuple[Artifact, str]:
    with store.lock(stage, key, report=_report):
        if (artifact := store.find(stage, key)) is not None:
            return artifact, "present"
        if (found := remote.find(stage, key)) is None:
            raise RemoteStoreError(
                f"{stage}/{key} is not in {remote.url} any more", fix="pull again"
            )
        return pull_artifact(remote, store, found, on_bytes=count.add), "pulled"


def _require_one_fault(error: StoreError) -> None:
    """Print a fault of one artifact; the others may still be transferred.

    Raises:
        RemoteStoreError: it is a fault of the whole store.
    """
    if isinstance(error, RemoteStoreError) and not isinstance(error, DamagedRemoteError):
        raise error
    sys.stderr.write(printable(f"xlm: {error}") + "\n")


def _chosen_here(store: ArtifactStore, names: Sequence[str], everything: bool) -> list[_Key]:
    if names:
        found = [find_artifact(store, name) for name in names]
        for name, one in zip(names, found, strict=True):
            # A key without a digest means the artifact that is served for it.
            if not one.served and "." in name:
                raise StoreError(
                    f"{one.directory.name} is not served: a refresh gave other bytes",
                    fix="only the artifact that is served can be pushed",
                )
        return list(dict.fromkeys((one.stage, one.key) for one in found))
    here = [(stage, key) for stage, key, path in store.artifacts() if not is_pruned(path)]
    return here if everything else [one for one in PendingPushes(store.root) if one in set(here)]


def _chosen_there(remote: RemoteStore, names: Sequence[str]) -> list[_Key]:
    keys = sorted(list_remote(remote).keys)
    if not names:
        return keys
    chosen = []
    for name in names:
        stage, _, start = name.rpartition("/")
        found = [
            one
            for one in keys
            if re.fullmatch("[0-9a-f]+", start)
            and one[1].startswith(start)
            and stage in ("", one[0])
        ]
        if len(found) != 1:
            count = counted(len(found), "artifact") if found else "no artifact"
            shown = f": {', '.join('/'.join(one) for one in found[:5])}" if found else ""
            raise RemoteStoreError(
                f"{count} in {remote.url} with a key that begins with {name[:80]!r}{shown}",
                fix="write more digits" if found else "check the key; `xlm plan` prints keys",
            )
        chosen += found
    return list(dict.fromkeys(chosen))


def _size(store: ArtifactStore, stage: str, key: str) -> int:
    with suppress(StoreError):
        return read_manifest(store.directory(stage, key)).size_bytes
    return 0


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
