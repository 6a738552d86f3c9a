"""The child processes of a Dask worker, one for each of its threads, in which items run.

An item that kills its process then costs only itself: if the Dask worker died, Dask would run all
of its items again on others, and sometimes lose futures (dask/distributed#3196). And a child can be
killed when its item is cancelled, which a thread cannot. Children die with the worker.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor

from xlm.processes.pool.worker_process import WorkerProcess

DIED = b""
"""The answer for an item that ended its process."""


class Children:
    """Runs calls in children. Methods are called from the threads of the worker."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._idle: dict[int, WorkerProcess] = {}
        self._running: dict[str, WorkerProcess] = {}
        self._cancelled: set[str] = set()
        self._closed = False
        self._lock = threading.Lock()

    def run(self, key: str, call: bytes, *, fresh: bool) -> bytes:
        """Run a pickled call in the child of this thread, or in a new one; returns the answer.

        Args:
            key: names the call for `cancel`.
            call: the pickled call.
            fresh: whether to use a new child.

        Raises:
            ToolError: the system cannot start another process.
        """
        try:
            child = self._take(key, fresh)
            if child is None:
                return DIED
            try:
                answer = child.exchange(call)
            except BrokenExecutor:
                child.close()
                return DIED
            self._give_back(child)
            return answer
        finally:
            with self._lock:
                self._running.pop(key, None)
                self._cancelled.discard(key)

    def cancel(self, key: str) -> None:
        """Kill the child that runs a call, or that is about to."""
        with self._lock:
            self._cancelled.add(key)
            child = self._running.get(key)
        if child is not None:
            child.kill()

    def end(self) -> None:
        """Kill all children; later calls are not run."""
        with self._lock:
            self._closed = True
            children = (*self._running.values(), *self._idle.values())
        for child in children:
            child.kill()

    def _take(self, key: str, fresh: bool) -> WorkerProcess | None:
        """The child for a call; None if the call was cancelled."""
        with self._lock:
            # The kernel kills a child when the thread that started it ends.
            child = self._idle.pop(threading.get_ident(), None)
        if child is not None and (fresh or not child.alive()):
            child.close()
            child = None
        if child is None:
            child = WorkerProcess.start(self._variables)
        with self._lock:
            refused = self._closed or key in self._cancelled
            if not refused:
                self._running[key] = child
        if refused:
            child.kill()
            child.close()
            return None
        return child

    def _give_back(self, child: WorkerProcess) -> None:
        with self._lock:
            closed = self._closed
            if not closed:
                self._idle[threading.get_ident()] = child
        if closed:
            child.close()
