"""Finds the logs of a build by its name: of a running or stopped one, or of an artifact.

found = find_logs(store, "pretrain")
for path in log_files(found.directory): ...
found.is_running()
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from xlm.display.suggest import did_you_mean
from xlm.engine.stage import Node
from xlm.errors import StoreError
from xlm.report.activity.jobs import job_of
from xlm.report.activity.names import is_named, node_of
from xlm.store.disk.filesystem import is_real_file
from xlm.store.manifest import LOGS_NAME, RUN_NAME
from xlm.store.store import ArtifactStore
from xlm.store.stored import stored_artifacts
from xlm.store.underway import Build, builds_underway

_SHOWN = 8
_ASK_SECONDS = 15.0
"""Between two questions to a scheduler."""
_MAIN = "processes.log"
"""The output of the first process of a model stage; `processes-N.log` is that of process N."""


@dataclass(frozen=True)
class Logs:
    """The folder with the logs of one build."""

    node: Node
    key: str
    directory: Path
    is_running: bool
    is_staged: bool
    """Whether the build has not ended with an artifact."""
    time: float
    """When the build began or the artifact was written, in seconds since the epoch."""

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Builds that run come first, then those that were stopped, then the newest artifact."""
        return self.is_running, self.is_staged, self.time


def find_logs(store: ArtifactStore, text: str) -> Logs:
    """Find the logs of `STAGE`, of `STAGE[UNIT]`, or of a key or its start.

    Raises:
        StoreError: nothing has this name, or several units do.
    """
    known = list(_all_logs(store))
    found = [one for one in known if is_named(text, one.node, one.key)]
    if not found:
        names = sorted({name for one in known for name in (one.node.stage, str(one.node))})
        near = did_you_mean(text, names) if names else ""
        fix = near if near.startswith("did") else "`xlm status` lists what runs"
        raise StoreError(f"no build or artifact {text[:80]!r} in {store.root}", fix=fix)
    running = [one for one in found if one.is_running]
    nodes = sorted({str(one.node) for one in running or found})
    if len(nodes) > 1:
        shown = ", ".join(nodes[:_SHOWN]) + (", ..." if len(nodes) > _SHOWN else "")
        raise StoreError(f"{text} has {len(nodes)} units", fix=f"name one of them: {shown}")
    return max(found, key=lambda one: one.rank)


class Liveness:
    """Tells whether a build still runs; it may be asked often."""

    def __init__(self, store: ArtifactStore, logs: Logs) -> None:
        self._store, self._directory = store, logs.directory
        self._ask_again = 0.0
        self._job_lives = True

    def __call__(self) -> bool:
        """Whether lines may still come."""
        for build in builds_underway(self._store):
            if build.staging.logs == self._directory:
                return build.is_running and (not build.is_held or self._lives(build))
        return False

    def _lives(self, build: Build) -> bool:
        """Whether its job has not ended: a job that was killed cannot say so itself."""
        if time.monotonic() >= self._ask_again:
            job = job_of(build)
            self._job_lives = job is None or job.state not in ("done", "stopped")
            self._ask_again = time.monotonic() + _ASK_SECONDS
        return self._job_lives


def log_files(directory: Path, process: int = 0) -> list[Path]:
    """The logs of a build: that of one process of a model stage, or else all of them, sorted."""
    main = directory / _MAIN
    if process or is_real_file(main):
        main = main.with_stem(f"{main.stem}-{process}") if process else main
        return [main] if is_real_file(main) else []
    return sorted(path for path in directory.glob("*.log") if is_real_file(path))


def published(store: ArtifactStore, logs: Logs) -> Logs:
    """The logs where they are after publication, which moves them."""
    directory = store.directory(logs.node.stage, logs.key) / LOGS_NAME
    return replace(logs, directory=directory, is_running=False, is_staged=False)


def _all_logs(store: ArtifactStore) -> Iterator[Logs]:
    yield from _builds(store)
    for one in stored_artifacts(store):
        if one.served and one.manifest is not None:
            node = Node(one.stage, one.manifest.unit)
            written = _modified(one.directory / RUN_NAME)
            yield Logs(node, one.key, one.directory / LOGS_NAME, False, False, written)


def _builds(store: ArtifactStore) -> Iterator[Logs]:
    for build in builds_underway(store):
        began = build.began.timestamp() if build.began else 0.0
        yield Logs(node_of(build), build.key, build.staging.logs, build.is_running, True, began)


def _modified(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
