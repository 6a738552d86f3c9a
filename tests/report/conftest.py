"""The toy DAG, which has built artifacts to report on."""

from tests.engine.conftest import pool
from tests.pipeline.conftest import pipeline_toy

__all__ = ["pipeline_toy", "pool"]
