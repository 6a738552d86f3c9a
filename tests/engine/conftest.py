"""The toy DAG on an empty store; all tests share one worker pool, which takes long to start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.toy import Toy
from xlm.processes.pool.executor import WorkerPool, worker_pool


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    with worker_pool(1, tmp_path_factory.mktemp("tools")) as workers:
        yield workers


@pytest.fixture
def toy(tmp_path: Path, pool: WorkerPool) -> Toy:
    return Toy(tmp_path / "data", pool)
