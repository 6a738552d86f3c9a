"""Real object stores, and two stores of the toy DAG that share one of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import pool, toy
from tests.engine.toy import Toy
from tests.store.remote.servers import BUCKET, Server, localbucket, moto, nanio
from xlm.processes.pool.executor import WorkerPool
from xlm.store.remote.remote_store import RemoteStore

__all__ = ["pool", "toy"]

OpenRemote = Callable[[], RemoteStore]


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def localbucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with localbucket(tmp_path_factory.mktemp("localbucket")) as server:
        yield server


@pytest.fixture(scope="session")
def nanio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with nanio(tmp_path_factory.mktemp("nanio")) as server:
        yield server


@pytest.fixture(params=["moto_server", "localbucket_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each server that honours the conditions that are needed."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A folder of the bucket for this test alone."""
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def open_remote(server: Server, url: str, monkeypatch: pytest.MonkeyPatch) -> OpenRemote:
    """Opens the remote store, as another machine would."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return lambda: RemoteStore.open(url, insecure=True)


@pytest.fixture
def here(toy: Toy, open_remote: OpenRemote) -> Toy:
    """A machine with the remote store."""
    toy.remote = open_remote()
    return toy


@pytest.fixture
def there(tmp_path: Path, pool: WorkerPool, open_remote: OpenRemote) -> Toy:
    """Another machine with the same remote store."""
    other = Toy(tmp_path / "there", pool)
    other.remote = open_remote()
    return other
