"""Ends a flow that has lost its worker: nothing could cancel it, or report its end."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_CHECK_SECONDS = 1.0
_REST_SECONDS = 15.0
"""Time for everything else to end after training has saved its state."""


@contextmanager
def ends_with_its_worker(save_seconds: float) -> Iterator[None]:
    """Send SIGTERM to this process when the worker that started it has died.

    Prefect then ends the run as crashed. A flow without a worker is not watched.
    """
    if "PREFECT__FLOW_RUN_ID" not in os.environ:
        yield
        return
    over = threading.Event()
    end_seconds = save_seconds + _REST_SECONDS
    arguments = (os.getppid(), over, end_seconds)
    threading.Thread(target=_watch, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(worker: int, over: threading.Event, end_seconds: float) -> None:
    # PR_SET_PDEATHSIG would also fire when the thread that started us ends, which a thread of the
    # worker may do at any time.
    while os.getppid() == worker:
        if over.wait(_CHECK_SECONDS):
            return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(end_seconds)
    os._exit(128 + signal.SIGTERM)
