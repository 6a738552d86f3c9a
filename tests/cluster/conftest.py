"""Fixtures of the tests of clusters."""

from tests.training.conftest import make_context, make_job

__all__ = ["make_context", "make_job"]
