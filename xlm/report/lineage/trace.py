"""Follows manifests from an artifact back to its sources.

    trace = Trace(Catalogue(stored_artifacts(store)))
    trace.follow(stored, stored.manifest)
    trace.artifacts, trace.sources, trace.faults

An input is the artifact with the recorded digest. Nothing is trusted that a manifest only claims:
its key must follow from its settings and inputs, and its digest from its list of files.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict

from xlm.errors import StoreError
from xlm.pipeline.recorded_sources import sources_of
from xlm.report.lineage.document import ArtifactId, Input, State, TracedArtifact, TracedSource
from xlm.report.measurements import read_measurements
from xlm.store.foreign_manifest import manifest_fault
from xlm.store.manifest import Manifest, UpstreamRecord
from xlm.store.stored import Catalogue, Stored

FindRemote = Callable[[str, str], Manifest | None]
"""Looks up the manifest of a stage and key in a remote store."""


class Trace:
    """The artifacts and sources that were found so far.

    Args:
        catalogue: the artifacts of the local store.
        find_remote: where to look for what the local store lacks; None: nowhere.
    """

    def __init__(self, catalogue: Catalogue, find_remote: FindRemote | None = None) -> None:
        self._catalogue = catalogue
        self._find_remote = find_remote
        self._seen: set[ArtifactId] = set()
        self.artifacts: list[TracedArtifact] = []
        self.sources: list[TracedSource] = []
        self.faults: list[str] = []

    def follow(self, stored: Stored, manifest: Manifest) -> ArtifactId:
        """Add an artifact and everything that it was built from; returns what it is."""
        start = artifact_id(manifest)
        if start in self._seen:
            return start
        waiting = deque[tuple[ArtifactId, Stored | None, Manifest | None, State]]()
        waiting.append((start, stored, manifest, _state(stored)))
        self._seen.add(start)
        while waiting:
            one, where, found, state = waiting.popleft()
            self._add(one, where, found, state)
            for record in found.upstream.values() if found else ():
                needed = _id_of(record)
                if needed not in self._seen:
                    self._seen.add(needed)
                    waiting.append((needed, *self._find(needed)))
        return start

    def _find(self, needed: ArtifactId) -> tuple[Stored | None, Manifest | None, State]:
        here = self._catalogue.of(needed.stage, needed.key, needed.digest)
        for one in here:
            if one.manifest is not None and one.manifest.digest == needed.digest:
                return one, one.manifest, _state(one)
        for one in here:
            if one.manifest is not None:
                self.faults.append(
                    f"{needed} {needed.key[:12]}: the store has digest {one.manifest.digest[:12]} "
                    f"of this key, and {needed.digest[:12]} was read"
                )
                return one, one.manifest, "other-bytes"
        if here:
            self.faults.append(f"{needed}: the manifest of {here[0].directory} cannot be read")
            return here[0], None, "damaged"
        if (manifest := self._in_remote(needed)) is not None:
            return None, manifest, "remote"
        self.faults.append(f"{needed} {needed.key[:12]}: its manifest is in no store that is known")
        return None, None, "missing"

    def _in_remote(self, needed: ArtifactId) -> Manifest | None:
        if self._find_remote is None:
            return None
        try:
            manifest = self._find_remote(needed.stage, needed.key)
        except StoreError as error:
            self.faults.append(f"{needed} {needed.key[:12]}: {error.what}")
            return None
        return manifest if manifest and manifest.digest == needed.digest else None

    def _add(
        self, one: ArtifactId, stored: Stored | None, manifest: Manifest | None, state: State
    ) -> None:
        if manifest is not None and (fault := _fault(manifest, one)) is not None:
            where = stored.directory if stored else "the remote store"
            self.faults.append(f"{one}: the manifest of {where} is damaged: {fault}")
            state = "damaged"
        measured = {}
        if stored is not None:
            with suppress(StoreError):
                measured = read_measurements(stored.directory)
        self.artifacts.append(
            TracedArtifact(
                id=one,
                state=state,
                built=_text(measured.get("finished")),
                code_version=manifest.code_version if manifest else None,
                pipeline_version=_text(measured.get("pipeline_version")),
                tools=manifest.tools if manifest else {},
                size_bytes=manifest.size_bytes if manifest else None,
                directory=str(stored.directory) if stored else None,
                inputs=tuple(_inputs(manifest)),
            )
        )
        if manifest is not None:
            self.sources += [
                TracedSource(**asdict(source), read_by=one) for source in sources_of(manifest)
            ]


def artifact_id(manifest: Manifest) -> ArtifactId:
    """What an artifact is, by its manifest."""
    return ArtifactId(
        stage=manifest.stage, unit=manifest.unit, key=manifest.key, digest=manifest.digest
    )


def _id_of(record: UpstreamRecord) -> ArtifactId:
    return ArtifactId(stage=record.stage, unit=record.unit, key=record.key, digest=record.digest)


def _inputs(manifest: Manifest | None) -> Iterator[Input]:
    for role, record in manifest.upstream.items() if manifest else ():
        yield Input(role=role, artifact=_id_of(record))


def _state(stored: Stored) -> State:
    return "pruned" if stored.is_pruned else "stored"


def _fault(manifest: Manifest, expected: ArtifactId) -> str | None:
    if (manifest.stage, manifest.key) != (expected.stage, expected.key):
        return f"it belongs to {manifest.stage} {manifest.key[:12]}"
    return manifest_fault(manifest)


def _text(value: object) -> str | None:
    return str(value) if value else None
