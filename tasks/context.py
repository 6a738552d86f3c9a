"""The pipeline run of the current flow run, in a context variable.

Prefect copies the context into its worker threads. It would inspect a parameter and show it in the
UI.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xlm.pipeline.dag import PipelineRun

_current: ContextVar[PipelineRun] = ContextVar("current_run")


@contextmanager
def current_run_is(run: PipelineRun) -> Iterator[None]:
    """Tasks called inside belong to `run`."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


def current_run() -> PipelineRun:
    """The run of the calling task."""
    return _current.get()
