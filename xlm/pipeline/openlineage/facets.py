"""What OpenLineage events say about nodes, artifacts and sources.

Datasets are named by the rules of OpenLineage (https://openlineage.io/docs/spec/naming): an
artifact by `file` and the path of its directory, a source by its server and its path there. Keys
contain no paths, so a file of the user and a model are named by their sha256.
"""

from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import attr
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    dataset_version_dataset,
    datasource_dataset,
    output_statistics_output_dataset,
)

from xlm.pipeline.recorded_sources import RecordedSource, SourceKind
from xlm.store.manifest import Manifest, UpstreamRecord

VERSION = version("xlm-pipeline")
PRODUCER = f"urn:xlm-pipeline:{VERSION}"
_SCHEMA = "urn:xlm-pipeline:openlineage:1-0-0:{}"
_LOCAL = "file"
"""The namespace of files that this machine sees."""
_WITHOUT_URL = "urn:xlm-pipeline:source"
"""The namespace of sources that were not downloaded."""


@attr.define
class NodeFacet(RunFacet):  # type: ignore[misc]
    """The node of a run, and where its artifact came from."""

    stage: str
    unit: str
    status: str
    cached: bool
    """Whether it was taken from a store, so that its stage did not run."""
    key: str | None = attr.field(default=None)

    @staticmethod
    def _get_schema() -> str:
        return _SCHEMA.format("NodeFacet")


@attr.define
class ArtifactFacet(DatasetFacet):  # type: ignore[misc]
    """An artifact of a store."""

    stage: str
    unit: str
    key: str
    digest: str

    @staticmethod
    def _get_schema() -> str:
        return _SCHEMA.format("ArtifactFacet")


@attr.define
class SourceFacet(DatasetFacet):  # type: ignore[misc]
    """Bytes that the pipeline did not make."""

    kind: SourceKind
    title: str
    licence: str
    sha256: str | None = attr.field(default=None)
    sizeBytes: int | None = attr.field(default=None)

    @staticmethod
    def _get_schema() -> str:
        return _SCHEMA.format("SourceFacet")


def input_artifact(record: UpstreamRecord, directory: Path) -> InputDataset:
    """The dataset of an artifact that a node reads."""
    return InputDataset(
        _LOCAL,
        str(directory),
        facets=_artifact_facets(record.stage, record.unit, record.key, record.digest),
    )


def output_artifact(manifest: Manifest, directory: Path) -> OutputDataset:
    """The dataset of an artifact that a node provides, with its size."""
    facets = _artifact_facets(manifest.stage, manifest.unit, manifest.key, manifest.digest)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        size=manifest.size_bytes, fileCount=len(manifest.all_files)
    )
    return OutputDataset(
        _LOCAL, str(directory), facets=facets, outputFacets={"outputStatistics": statistics}
    )


def input_source(source: RecordedSource) -> InputDataset:
    """The dataset of a source that a manifest records."""
    facets: dict[str, DatasetFacet] = {
        "dataSource": datasource_dataset.DatasourceDatasetFacet(name=source.name, uri=source.url),
        "xlm_source": SourceFacet(
            kind=source.kind,
            title=source.name,
            licence=source.licence or "",
            sha256=source.sha256,
            sizeBytes=source.size_bytes,
        ),
    }
    if source.sha256 is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
            datasetVersion=source.sha256
        )
    if source.url is None:
        name = source.sha256 or f"{source.unit}/{source.name}"
        return InputDataset(_WITHOUT_URL, name, facets=facets)
    parts = urlsplit(source.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return InputDataset(f"{parts.scheme}://{parts.netloc}", path or "/", facets=facets)


def _artifact_facets(stage: str, unit: str, key: str, digest: str) -> dict[str, DatasetFacet]:
    return {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=digest),
        "xlm_artifact": ArtifactFacet(stage=stage, unit=unit, key=key, digest=digest),
    }
