"""The run that tasks of this flow run belong to, carried by context and not by parameters.

Prefect copies the context into its worker threads; a parameter would be walked and shown in the UI.
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
