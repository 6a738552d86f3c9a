"""The disk usage of a store, by stage, by run and by other folders.

for row in stage_usage(store): print(row.stage, row.size_bytes)
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from xlm.pipeline.needed import roots_of_run
from xlm.pipeline.run_lookup import run_number, start_time
from xlm.pipeline.run_record import all_runs
from xlm.stages.registry import STAGES
from xlm.store.cleaning.garbage import IMPORTING
from xlm.store.cleaning.removal import build_directories
from xlm.store.leases import REMOVED
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, stored_artifacts, tree_bytes

OTHER_FOLDERS = (
    "cache", "damaged", IMPORTING, "pins", "prefect", "pulling", REMOVED, "untracked",
)  # fmt: skip


class StageUsage(NamedTuple):
    """The artifacts of one stage."""

    stage: str
    artifacts: int
    size_bytes: int
    staging_bytes: int
    """The output so far of running and killed builds."""


class RunUsage(NamedTuple):
    """The artifacts that one run needs."""

    number: str
    name: str
    started: str
    artifacts: int
    size_bytes: int
    own_bytes: int
    """Bytes that no other run needs."""


def stage_usage(store: ArtifactStore) -> list[StageUsage]:
    """Return the usage of each stage that has files, in the order of the pipeline."""
    artifacts = list(stored_artifacts(store))
    staging = [
        (stage, tree_bytes(path)) for stage, _, path in build_directories(store.root, "staging")
    ]
    known = [stage.name for stage in STAGES]
    found = {one.stage for one in artifacts} | {stage for stage, size in staging if size}
    order = [name for name in known if name in found] + sorted(found - set(known))
    return [
        StageUsage(
            stage,
            sum(one.stage == stage for one in artifacts),
            sum(one.size_bytes for one in artifacts if one.stage == stage),
            sum(size for name, size in staging if name == stage),
        )
        for stage in order
    ]


def run_usage(store: ArtifactStore) -> list[RunUsage]:
    """Return the usage of each run, newest first."""
    catalogue = Catalogue(stored_artifacts(store))
    reached = []
    for record in all_runs(store.root):
        roots = [one for root in roots_of_run(record, store.root) for one in catalogue.of(*root)]
        reached.append((record, catalogue.closure(roots)))
    users: dict[Path, int] = {}
    for _, closure in reached:
        for one in closure:
            users[one.directory] = users.get(one.directory, 0) + 1
    return [
        RunUsage(
            run_number(record),
            record["request"]["name"] or "",
            start_time(record),
            len(closure),
            sum(one.size_bytes for one in closure),
            sum(one.size_bytes for one in closure if users[one.directory] == 1),
        )
        for record, closure in reached
    ]


def other_usage(store: ArtifactStore) -> Iterator[tuple[str, int]]:
    """Yield the other folders of the store that have files, with their sizes in bytes."""
    for name in OTHER_FOLDERS:
        if size_bytes := tree_bytes(store.root / name):
            yield name, size_bytes
