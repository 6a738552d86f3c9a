"""What `xlm store show` says about an artifact.

facts = artifact_facts(store, find_artifact(store, "bf7e6a41"))
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from xlm.errors import StoreError
from xlm.pipeline.needed import roots_of_run
from xlm.pipeline.run_lookup import run_label
from xlm.pipeline.run_record import all_runs
from xlm.report.comparison.settings import SettingRow, differing_settings
from xlm.report.measurements import read_measurements
from xlm.store.manifest import Manifest
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, Stored, stored_artifacts


@dataclass(frozen=True)
class Upstream:
    """An artifact that was used for one input role."""

    role: str
    stage: str
    unit: str
    key: str
    digest: str
    is_here: bool
    is_pruned: bool


@dataclass(frozen=True)
class ArtifactFacts:
    """An artifact, its siblings, its inputs and its users."""

    stored: Stored
    manifest: Manifest
    finished: str | None
    """When it was built."""
    wall_seconds: float | None
    siblings: tuple[Stored, ...]
    """The other artifacts of the same stage and unit."""
    differences: tuple[SettingRow, ...]
    """What differs between it and its siblings: first its own value, then theirs."""
    upstream: tuple[Upstream, ...]
    dependents: tuple[Stored, ...]
    runs: tuple[str, ...]
    """Names or numbers of the runs that used it."""


def artifact_facts(store: ArtifactStore, stored: Stored) -> ArtifactFacts:
    """Collect the facts about an artifact.

    Raises:
        StoreError: its manifest cannot be read.
    """
    manifest = stored.manifest
    if manifest is None:
        raise StoreError(
            f"the manifest of {stored.directory} cannot be read",
            fix="check the store with `xlm store verify`",
        )
    catalogue = Catalogue(stored_artifacts(store))
    siblings = [
        one
        for one in catalogue.artifacts
        if one.directory != stored.directory
        and one.manifest is not None
        and (one.stage, one.manifest.unit) == (stored.stage, manifest.unit)
    ]
    measured: Mapping[str, Any] = {}
    with suppress(StoreError):
        measured = read_measurements(stored.directory)
    return ArtifactFacts(
        stored=stored,
        manifest=manifest,
        finished=measured.get("finished"),
        wall_seconds=measured.get("wall_seconds"),
        siblings=tuple(siblings),
        differences=tuple(_differences([stored, *siblings])),
        upstream=tuple(
            Upstream(
                role,
                record.stage,
                record.unit,
                record.key,
                record.digest,
                bool(found),
                any(one.is_pruned for one in found),
            )
            for role, record in manifest.upstream.items()
            for found in [catalogue.of(record.stage, record.key, record.digest)]
        ),
        dependents=tuple(catalogue.dependents(stored)),
        runs=tuple(_runs(store, stored)),
    )


def _differences(stored: Sequence[Stored]) -> list[SettingRow]:
    """The ingredients of the keys that differ; digests of inputs by role, shortened."""
    if len(stored) < 2:
        return []
    return differing_settings([_ingredients(one.manifest) for one in stored if one.manifest])


def _ingredients(manifest: Manifest) -> Mapping[str, Any]:
    upstream = {role: record.digest[:12] for role, record in manifest.upstream.items()}
    return {
        **manifest.config,
        "code version": manifest.code_version,
        "tools": manifest.tools,
        "upstream": upstream,
        "digest": manifest.digest[:12],
    }


def _runs(store: ArtifactStore, stored: Stored) -> list[str]:
    return [
        run_label(record)
        for record in all_runs(store.root)
        if any(
            (root.stage, root.key) == (stored.stage, stored.key)
            for root in roots_of_run(record, store.root)
        )
    ]
