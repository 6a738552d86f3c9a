"""The worker process: it takes runs from the work pool and starts a process for each.

with worker_process(name) as worker:
    wait_for([worker], on_wait=check)
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from socket import gethostname

from flows.worker.processes import processes_with
from xlm.processes.child import GuardedChild

WORK_POOL = "xlm-local"
FLOW_COMMAND = "sh -c 'exec \"$XLM_PYTHON\" -P -m flows.ui.flow_process'"
"""Command of a flow run. The worker sets XLM_PYTHON: each machine may have its own environment."""

_STOP_SECONDS = 15.0
_FLOWS_END_SECONDS = 60.0
"""Time for training to save its state."""
_POLL_SECONDS = 0.2
_MARK = "XLM_WORKER_ID"
_NAME_BYTES = 3


@contextmanager
def worker_process(*, limit: int | None = None) -> Iterator[GuardedChild]:
    """A worker that runs until the context ends; then its flows get time to save their state.

    `limit`: how many runs it starts at once.
    """
    name = f"{gethostname()}-{token_hex(_NAME_BYTES)}"
    limited = [] if limit is None else ["--limit", str(limit)]
    options = ["--pool", WORK_POOL, "--type", "process", "--name", name, *limited]
    try:
        with GuardedChild(
            [sys.executable, "-P", "-m", "prefect", "--no-prompt", "worker", "start", *options],
            output=sys.stdout.fileno(),
            errors=sys.stderr.fileno(),
            environment={"PYTHONSAFEPATH": "1", "XLM_PYTHON": sys.executable, _MARK: name},
            terminate_seconds=_STOP_SECONDS,
        ) as child:
            yield child
    finally:
        _wait_for_flows(name)


def _wait_for_flows(worker: str) -> None:
    """Flows that lost their worker end by themselves; the server must record how."""
    deadline = time.monotonic() + _FLOWS_END_SECONDS
    marks = (f"{_MARK}={worker}".encode(), b"PREFECT__FLOW_RUN_ID=")
    while processes_with(*marks) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
