"""The downloads and own files of a request: what is known about each, and whether it is here.

for one in planned_downloads(request, store):
    print(one.download.id, one.download.url, one.place)
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xlm.config.data.own.pairs import OwnPair
from xlm.config.pipeline import PipelineConfig
from xlm.corpus.local_files import find_files
from xlm.corpus.sources.lock import LockedFile, first_bytes_of
from xlm.corpus.sources.mirrors import present_in_folder
from xlm.corpus.sources.resolve import Download, resolve_download
from xlm.engine.graph import Graph
from xlm.engine.plan import PlannedNode, plan
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest
from xlm.report.measurements import read_measurements
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.make_world import MAKE_WORLD
from xlm.store.manifest import read_manifest
from xlm.store.store import ArtifactStore

Place = Literal["store", "pruned", "mirror", "local", "synthetic", "no"]
"""Where the file of a source is: in the store, in the mirror's folder, or nowhere yet.

`pruned`: it was in the store until `xlm store prune` removed its bytes.
`local`: the user's own file, which is not downloaded.
`synthetic`: the sample world makes it, so nothing is downloaded.
"""


@dataclass(frozen=True)
class PlannedDownload:
    """One download of a request."""

    download: Download
    place: Place
    stored: LockedFile | None
    """URL, size, digest and date of the file in the store."""
    mirrored_bytes: int | None
    """Size of the file in the mirror's folder, or of the user's own files."""

    @property
    def size_bytes(self) -> int | None:
        """The size of the file that is here, or else the size that is known in advance."""
        if self.stored is not None:
            return self.stored.size_bytes
        return self.download.size_bytes if self.mirrored_bytes is None else self.mirrored_bytes

    @property
    def size_is_exact(self) -> bool:
        """Whether the size is that of a file, not of a catalogue."""
        return self.stored is not None or self.mirrored_bytes is not None


def planned_downloads(request: RunRequest, store: ArtifactStore) -> list[PlannedDownload]:
    """All downloads of a request, in the order of the DAG.

    Raises:
        ConfigError: the configuration is invalid, or OPUS does not have a configured corpus.
    """
    config = request.resolve()
    graph = Graph.of(config, (MAKE_WORLD, DOWNLOAD))
    if not graph.nodes:  # a profile of local files
        return []
    with store.tool_cache() as cache:
        return list(_planned(config, plan(graph, request.building(), store), store, cache))


def own_files(config: PipelineConfig) -> Iterator[PlannedDownload]:
    """The user's local files, in the order of the profile; those that are missing are not here."""
    for source, file in config.sources.own_files():
        if file.download:
            continue
        unit = source.pair if isinstance(source, OwnPair) else source.language
        size_bytes: int | None = None
        with suppress(ConfigError, OSError):
            size_bytes = sum(path.stat().st_size for path in find_files(file.location, source.name))
        download = Download(
            id=f"{source.name}.{unit}",
            title=source.title or source.name,
            corpus=source.title or source.name,
            version="",
            url=file.location,
            licence=source.licence,
            citation="",
            pairs=None,
            size_bytes=None,
            size_is="unknown",
            checksum="sha256 in the key",
        )
        yield PlannedDownload(download, "no" if size_bytes is None else "local", None, size_bytes)


def _planned(
    config: PipelineConfig, nodes: list[PlannedNode], store: ArtifactStore, cache: Path
) -> Iterator[PlannedDownload]:
    for planned in nodes:
        node = planned.node
        if node.stage != DOWNLOAD.name:
            continue
        download = resolve_download(config.sources, node.unit, cache, config.table)
        synthetic = DOWNLOAD.slice(config, node.unit).mirrored and not config.sources.all_mirrors
        stored, mirrored_bytes = None, None
        if planned.status in ("cached", "pruned") and planned.key is not None:
            stored = _stored(store.directory(node.stage, planned.key))
        elif not synthetic:
            path = present_in_folder(config.sources.all_mirrors, download.url)
            mirrored_bytes = None if path is None else path.stat().st_size
        place: Place = "synthetic" if synthetic else "no"
        if stored is not None and not synthetic:
            place = "pruned" if planned.status == "pruned" else "store"
        elif mirrored_bytes is not None:
            place = "mirror"
        yield PlannedDownload(download, place, stored, mirrored_bytes)


def _stored(directory: Path) -> LockedFile:
    manifest = read_manifest(directory).model_dump(mode="json")
    (source,) = manifest["sources"]
    return LockedFile(
        url=source["address"],
        size_bytes=source["size_bytes"],
        sha256=source["sha256"],
        date=_date(directory),
        first_bytes=first_bytes_of(manifest),
    )


def _date(directory: Path) -> str:
    """The day on which an artifact was built, YYYY-MM-DD."""
    return str(read_measurements(directory).get("finished", ""))[:10]
