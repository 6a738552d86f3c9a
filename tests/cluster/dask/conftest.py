"""A cluster that tests share, and one that a test may damage."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from tests.cluster.dask.dask_processes import DaskProcesses
from xlm.cluster.dask.executor import DaskExecutor
from xlm.cluster.dask.opening import open_dask
from xlm.config.compute import DaskConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.store.store import ArtifactStore

OpenExecutor = Callable[[DaskProcesses], AbstractContextManager[DaskExecutor]]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """A cluster that stays as it is."""
    cluster = DaskProcesses(tmp_path_factory.mktemp("dask") / "shared")
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskProcesses]:
    """A cluster to damage."""
    cluster = DaskProcesses(tmp_path / "cluster")
    yield cluster
    cluster.close()


@pytest.fixture
def opened(tmp_path: Path) -> OpenExecutor:
    """Opens the executor of a cluster, on a store of the test."""

    def opened(cluster: DaskProcesses) -> AbstractContextManager[DaskExecutor]:
        settings = DaskConfig(address=cluster.address, connect_seconds=120)
        return open_dask(ArtifactStore.open(str(tmp_path / "store")), settings, LauncherConfig())

    return opened
