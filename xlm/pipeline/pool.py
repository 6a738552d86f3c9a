"""The worker processes: they start clean, end with the driver, and one's death is its own item's.

A process that dies takes its whole `ProcessPoolExecutor` with it, and with that the work of all
other languages. `WorkerPool` starts a new one, and runs what was lost item by item in a process of
its own: the item that kills its process fails, the others get their results.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import ParamSpec, TypeVar

from xlm.launch.notice import without_notice
from xlm.launch.tools import tool_environment

Parameters = ParamSpec("Parameters")
ResultT = TypeVar("ResultT")

_WATCH_SECONDS = 0.5


class WorkerPool(Executor):
    """An executor over processes that goes on after the death of one of them."""

    def __init__(self, workers: int, tool_cache: Path) -> None:
        self._workers = workers
        self._tool_cache = tool_cache
        self._context = get_context("spawn")
        # The first of what is shared starts multiprocessing's own helper.
        with without_notice():
            self._interrupted: Event = self._context.Event()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._processes = self._begin(workers)

    def _begin(self, workers: int) -> ProcessPoolExecutor:
        # No fork of a threaded parent.
        return ProcessPoolExecutor(
            workers,
            mp_context=self._context,
            initializer=_begin_worker,
            initargs=(os.getpid(), self._tool_cache, self._interrupted),
        )

    def submit(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[ResultT]:
        """Run `function` in one of the processes; a broken set of them is replaced first."""
        with self._lock, without_notice():
            try:
                return self._processes.submit(function, *args, **kwargs)
            except BrokenExecutor:
                if self._interrupted.is_set():
                    raise
                self._processes.shutdown(wait=False)
                self._processes = self._begin(self._workers)
                return self._processes.submit(function, *args, **kwargs)

    def run_alone(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> ResultT:
        """Run `function` in a process of its own, one such at a time.

        What died for want of memory may have it now.

        Raises:
            BrokenExecutor: that process died too, so it is this work that kills it.
        """
        if self._interrupted.is_set():
            raise BrokenExecutor("interrupted")
        with self._turn, self._begin(1) as process:
            with without_notice():
                future = process.submit(function, *args, **kwargs)
            return future.result()

    def interrupt(self) -> None:
        """End the processes without waiting for the work in flight."""
        self._interrupted.set()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after the work in flight."""
        with self._lock:
            self._processes.shutdown(wait=wait, cancel_futures=cancel_futures)


@contextmanager
def worker_pool(workers: int, tool_cache: Path) -> Iterator[WorkerPool]:
    """A pool for the time of a run, whose processes die with the driver.

    Tools that would write to the home or to the temporary directory (dictionaries, font caches)
    are pointed to `tool_cache`. An interrupted driver (Ctrl-C, SIGTERM, SIGUSR1) does not
    wait for the work in flight: files without a record are written again.
    """
    pool = WorkerPool(workers, tool_cache)
    try:
        with on_interrupt(pool.interrupt):
            yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def on_interrupt(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` when the body is left by what is no error: Ctrl-C, SIGTERM, a cancelled flow."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        end()
        raise


def _begin_worker(driver: int, tool_cache: Path, interrupted: Event) -> None:
    # Ctrl-C reaches the whole group of the terminal: what becomes of workers is the driver's word.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ |= tool_environment(tool_cache)
    _die_with(driver, interrupted)


def _die_with(driver: int, interrupted: Event) -> None:
    """Leave when the driver is gone: a worker waiting for its queue would wait for ever.

    A dead driver that nobody has waited for still has its number, so the parent is looked at.
    """

    def watch() -> None:
        while os.getppid() == driver and not interrupted.wait(_WATCH_SECONDS):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
