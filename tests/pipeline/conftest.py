"""The toy DAG under requests of the pipeline, on an empty store."""

from pathlib import Path

import pytest

from tests.engine.conftest import pool
from tests.pipeline.toy import PipelineToy
from xlm.processes.pool.executor import WorkerPool

__all__ = ["pipeline_toy", "pool"]


@pytest.fixture
def pipeline_toy(tmp_path: Path, pool: WorkerPool) -> PipelineToy:
    return PipelineToy(tmp_path / "data", pool)
