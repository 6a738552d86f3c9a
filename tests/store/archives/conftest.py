"""The toy DAG of the engine: its artifacts are what archives contain."""

from tests.engine.conftest import pool, toy

__all__ = ["pool", "toy"]
