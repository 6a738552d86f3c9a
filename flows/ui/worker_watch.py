"""Ends a flow that has lost its worker: nobody could cancel it any more, or see how it ends."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 1.0
_REST_SECONDS = 15.0
"""What all else gets to end once training has saved its state."""


@contextmanager
def ends_with_its_worker(save_seconds: float) -> Iterator[None]:
    """Send ourselves SIGTERM when the worker that started us has died.

    Prefect then ends the run as crashed. A flow that no worker started is left alone.
    """
    if "PREFECT__FLOW_RUN_ID" not in os.environ:
        yield
        return
    over = threading.Event()
    patience_seconds = save_seconds + _REST_SECONDS
    arguments = (os.getppid(), over, patience_seconds)
    threading.Thread(target=_watch, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(worker: int, over: threading.Event, patience_seconds: float) -> None:
    # The signal of the kernel for a parent's death (PR_SET_PDEATHSIG) comes when the thread that
    # started us ends, which a worker's may at any time.
    while os.getppid() == worker:
        if over.wait(_LOOK_SECONDS):
            return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience_seconds)
    os._exit(128 + signal.SIGTERM)
