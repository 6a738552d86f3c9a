"""The toy DAG of the engine, built twice: its artifacts are what is removed."""

from tests.engine.conftest import pool, toy

__all__ = ["pool", "toy"]
