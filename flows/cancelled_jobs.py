"""Cancels the jobs of a flow run that was cancelled in the UI; after any other end they go on.

with cancels_its_jobs():
    ...     # stages that wait for jobs of a cluster
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from httpx import HTTPError
from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectHTTPStatusError

from xlm.processes.lasting import cancel_jobs, lasting_jobs

_WAIT_SECONDS = 20.0
"""Time for the jobs to end; the worker kills this process later than that."""
_CANCELLED = (StateType.CANCELLING, StateType.CANCELLED)


@contextmanager
def cancels_its_jobs() -> Iterator[None]:
    """After a signal, cancel the jobs that this process waits for if the flow run was cancelled.

    A worker that cancels a flow run and one that stops send the same signal. Only the server knows.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException:
        if lasting_jobs() and _is_cancelled():
            cancel_jobs()
            deadline = time.monotonic() + _WAIT_SECONDS
            while lasting_jobs() and time.monotonic() < deadline:
                time.sleep(0.1)
        raise


def _is_cancelled() -> bool:
    """Whether the flow run was cancelled; no if the server does not answer: the job goes on."""
    if not (run_id := runtime.flow_run.id):
        return False
    try:
        with get_client(sync_client=True, httpx_settings={"timeout": 5.0}) as client:
            state = client.read_flow_run(run_id).state
    except (HTTPError, PrefectHTTPStatusError, OSError):
        return False
    return state is not None and state.type in _CANCELLED
