"""The lineage of a file or folder.

lineage = read_lineage(Path("release/classifier/model.safetensors"), root="./data")
[source.url for source in lineage.sources]
"""

from pathlib import Path

from xlm.report.lineage.document import Lineage, Part, Subject
from xlm.report.lineage.subject import find_subject
from xlm.report.lineage.trace import FindRemote, Trace, artifact_id


def read_lineage(path: Path, root: str, find_remote: FindRemote | None = None) -> Lineage:
    """Follow a file or folder back to its sources.

    Args:
        path: a path in a store, or a copy of something in the store at `root`.
        root: the store in which copies are looked up.
        find_remote: where to look for manifests that the store lacks.

    Raises:
        StoreError: the path belongs to no artifact with a readable manifest.
    """
    found = find_subject(path, root)
    trace = Trace(found.catalogue, find_remote)
    artifact = trace.follow(found.stored, found.manifest)
    parts = [
        Part(
            path=part.path,
            artifact=trace.follow(part.stored, part.manifest),
            path_in_artifact=part.path_in_artifact,
        )
        for part in found.parts
    ]
    return Lineage(
        subject=Subject(
            path=str(path),
            artifact=artifact,
            path_in_artifact=found.path_in_artifact,
            sha256=found.sha256,
            is_copy=found.is_copy,
            equal_artifacts=tuple(map(artifact_id, found.others)),
            parts=tuple(parts),
        ),
        artifacts=tuple(trace.artifacts),
        sources=tuple(sorted(trace.sources, key=lambda one: (one.kind, one.unit, one.url or ""))),
        faults=(*found.faults, *trace.faults),
    )
