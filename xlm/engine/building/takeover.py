"""Continues the unfinished build of another key, for stages that can, such as a resized training.

The staging folder of the other build is renamed, so there is never more than one that goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xlm.engine.config import Config
from xlm.engine.stage import Stage
from xlm.errors import StoreError
from xlm.store.artifact import Staging
from xlm.store.disk.filesystem import rename_durably
from xlm.store.keys import canonical_json
from xlm.store.store import ArtifactStore
from xlm.store.underway import Build, builds_underway


@dataclass(frozen=True)
class _Candidate:
    build: Build
    done: int
    """How far it is; only comparable with others of the stage."""


def take_over(
    store: ArtifactStore,
    stage: Stage[Any, Any],
    key: str,
    ingredients: Mapping[str, Any],
    config: Config,
    notice: Callable[[str], None],
) -> None:
    """Make the furthest build that `stage` can continue the build of `key`, which has not begun.

    The caller holds the lock of `key`.

    Args:
        config: the slice of `key`.
        notice: receives a line that names the build.

    Raises:
        StoreError: the other build still runs.
    """
    staging = Staging(store.root / "staging" / stage.name / key)
    if stage.continues is None or staging.base.exists():
        return
    found = [
        _Candidate(build, done)
        for build in builds_underway(store)
        if build.key != key and _has_same_inputs(build.ingredients, ingredients)
        for done in [stage.continues(config, build.ingredients["config"], build.staging.scratch)]
        if done is not None
    ]
    if not found:
        return
    build = max(found, key=lambda one: one.done).build
    if build.is_running:
        raise _running(build)
    with store.lock(stage.name, build.key):
        # It may have been started, and even have ended, since it was looked at.
        if build.is_held or not build.staging.base.exists():
            raise _running(build)
        rename_durably(build.staging.base, staging.base)
    notice(f"continues the unfinished build {build.key}")


def _running(build: Build) -> StoreError:
    return StoreError(
        f"the build that {build.stage} is to continue still runs (key {build.key})",
        fix="stop it first",
    )


def _has_same_inputs(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether the ingredients of two keys differ in nothing but the configuration."""
    return bool(theirs) and canonical_json({**theirs, "config": 0}) == canonical_json(
        {**ours, "config": 0}
    )
