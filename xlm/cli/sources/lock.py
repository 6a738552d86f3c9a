"""`xlm sources lock`: write URL, size, sha256 and date of each download of a run to a file."""

import json
import shlex
from pathlib import Path

from xlm.cli.output import show
from xlm.config.environment import MachineSettings
from xlm.corpus.sources.lock import LockedFile, SourcesLock, read_lock, write_lock
from xlm.errors import ConfigError
from xlm.pipeline.latest import dated
from xlm.pipeline.request import RunRequest
from xlm.report.downloads import PlannedDownload, planned_downloads
from xlm.store.store import ArtifactStore

_HEAD = """\
The downloads of the profile {profile}, written by `xlm sources lock`.
A run with this lock refuses other bytes."""
_SHOWN_IDS = 5


def lock_sources(request: RunRequest, output: Path | None, root: str | None, as_json: bool) -> None:
    """Write the lock of a profile, and print what changed.

    Raises:
        ConfigError: a download is not in the store yet, or nothing is downloaded.
    """
    settings = MachineSettings.from_environment(root)
    store = ArtifactStore.open(settings.root, write=False)
    request = dated(request, settings.root, record=False)
    # A file that differs from an older lock is locked now, instead of being refused.
    unlocked = request.model_copy(update={"overrides": (*request.overrides, "sources.lock=null")})
    found = planned_downloads(unlocked, store)
    path = output or request.lock_path
    lock = SourcesLock(downloads=_stored(found, request, store.root))
    before = read_lock(path).downloads if path.exists() else {}
    write_lock(path, lock, _HEAD.format(profile=request.profile))
    if as_json:
        show(json.dumps({"file": str(path)} | lock.model_dump(mode="json"), indent=1))
        return
    for name, file in lock.downloads.items():
        old = before.get(name)
        if old is not None and old.sha256 != file.sha256:
            show(f"{name}: sha256 {old.sha256} -> {file.sha256}")
    total = len(lock.downloads)
    show(f"{path}: {total} downloads locked" + _difference(before, lock.downloads))
    if path.absolute() != request.lock_path.absolute():
        show(f"Use it with --set sources.lock={shlex.quote(str(path))}.")
    else:
        show(f"Runs of the profile {request.profile} use it.")


def _stored(found: list[PlannedDownload], request: RunRequest, root: Path) -> dict[str, LockedFile]:
    missing = [one.download.id for one in found if one.stored is None]
    if not found or any(one.place == "synthetic" for one in found):
        raise ConfigError(
            f"profile {request.profile} downloads nothing", fix="lock a profile with downloads"
        )
    if missing:
        more = f" and {len(missing) - _SHOWN_IDS} more" if len(missing) > _SHOWN_IDS else ""
        raise ConfigError(
            f"{len(missing)} of {len(found)} downloads are not in the store: "
            f"{', '.join(missing[:_SHOWN_IDS])}{more}",
            fix=f"download them with `{request.building('download').command(root)}`",
        )
    return {one.download.id: one.stored for one in found if one.stored is not None}


def _difference(before: dict[str, LockedFile], now: dict[str, LockedFile]) -> str:
    if not before:
        return ""
    kept = before.keys() & now.keys()
    counts = {
        "new": len(now.keys() - before.keys()),
        "changed": sum(before[name].sha256 != now[name].sha256 for name in kept),
        "removed": len(before.keys() - now.keys()),
    }
    parts = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f" ({parts or 'no change'})"
