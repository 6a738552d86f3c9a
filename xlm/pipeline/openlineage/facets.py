"""What OpenLineage events say about nodes, artifacts and sources.

Datasets are named by the rules of OpenLineage (https://openlineage.io/docs/spec/naming): an
artifact by `file` and the path of its directory, a source by its server and its path there.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
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

from xlm.redaction import redact
from xlm.store.manifest import Manifest, UpstreamRecord

VERSION = version("xlm-pipeline")
PRODUCER = f"urn:xlm-pipeline:{VERSION}"
_SCHEMA = "urn:xlm-pipeline:openlineage:1-0-0:{}"
_LOCAL = "file"
"""The namespace of files that this machine sees."""


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


def input_source(source: Mapping[str, Any], unit: str) -> InputDataset:
    """The dataset of a source that a manifest records; its URL has no secrets."""
    url = redact(str(source.get("address") or ""))
    parts = urlsplit(url)
    sha256, size_bytes = str(source.get("sha256") or "") or None, source.get("size_bytes")
    title = str(source.get("name") or unit)
    facets: dict[str, DatasetFacet] = {
        "dataSource": datasource_dataset.DatasourceDatasetFacet(name=title, uri=url),
        "xlm_source": SourceFacet(
            title=title,
            licence=str(source.get("licence") or ""),
            sha256=sha256,
            sizeBytes=size_bytes if isinstance(size_bytes, int) else None,
        ),
    }
    if sha256 is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
            datasetVersion=sha256
        )
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return InputDataset(f"{parts.scheme}://{parts.netloc}", path or "/", facets=facets)


def _artifact_facets(stage: str, unit: str, key: str, digest: str) -> dict[str, DatasetFacet]:
    return {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=digest),
        "xlm_artifact": ArtifactFacet(stage=stage, unit=unit, key=key, digest=digest),
    }
