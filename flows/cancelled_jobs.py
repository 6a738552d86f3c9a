"""Cancels the jobs of a flow run that was cancelled in the UI; after any other end they go on.

with on_interrupt(interrupt), cancels_its_jobs():
    ...     # stages that wait for jobs of a cluster

It is the inner context: a stage that is interrupted leaves its job unless it is cancelled by then.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context

from httpx import HTTPError
from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from xlm.processes.lasting import cancel_jobs, lasting_jobs

_ANSWER_SECONDS = 5.0
"""Of the 15 s in which jobs end. Prefect's client would repeat its request for minutes."""
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
        raise


def _is_cancelled() -> bool:
    """Whether the flow run was cancelled; no if the server does not answer: the job goes on."""
    run_id, answers = runtime.flow_run.id, list[bool]()
    if not run_id:
        return False

    def ask() -> None:
        with (
            suppress(HTTPError, PrefectHTTPStatusError, ObjectNotFound, OSError),
            get_client(sync_client=True, httpx_settings={"timeout": _ANSWER_SECONDS}) as client,
        ):
            state = client.read_flow_run(run_id).state
            answers.append(state is not None and state.type in _CANCELLED)

    thread = threading.Thread(target=copy_context().run, args=(ask,), daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    return answers == [True]
