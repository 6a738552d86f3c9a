"""A pool of worker processes. They end with the driver, and a worker that dies only fails its call.

Each worker has a thread in the driver, and a pipe that only these two share. The queues and events
of `multiprocessing` have locks in shared memory: if a worker is killed while it holds one, all
others wait for it forever (python/cpython#75158). Here the queue is in the driver, and an
interrupted driver kills its workers.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from xlm.processes.pool.worker_process import WorkerProcess
from xlm.processes.tools import tool_environment

Parameters = ParamSpec("Parameters")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class _Call:
    future: "Future[Any]"
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class WorkerPool(Executor):
    """An executor over processes that replaces a process that dies."""

    advice = "free some memory, or run again with fewer --workers"

    def __init__(self, workers: int, tool_cache: Path) -> None:
        self._workers = workers
        self._variables = tool_environment(tool_cache)
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._processes: set[WorkerProcess] = set()
        self._interrupted = self._closed = False
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    @property
    def workers(self) -> int:
        """The number of processes."""
        return self._workers

    def driver_lives(self) -> Callable[[], bool]:
        """A function for the processes: whether this process, which started them, still runs."""
        return partial(_has_parent, os.getpid())

    def submit(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[ResultT]:
        """Run `function` in one of the processes; the future fails if that process dies."""
        future: Future[ResultT] = Future()
        with self._lock:
            if self._interrupted:
                raise BrokenExecutor("interrupted")
            if self._closed:
                raise RuntimeError("the pool has been shut down")
            self._calls.put(_Call(future, function, args, kwargs))
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._workers:
                thread = threading.Thread(target=self._serve, daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def run_alone(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> ResultT:
        """Run `function` in a new process while no other call of this kind runs.

        A call may succeed now if its process died because memory was short.

        Raises:
            BrokenExecutor: this process died too, so the call itself kills it.
        """
        with self._turn:
            process = self._start()
            try:
                result: ResultT = process.call(function, args, kwargs)
                return result
            finally:
                self._end(process)

    def interrupt(self) -> None:
        """Kill the processes without waiting for running calls."""
        with self._lock:
            self._interrupted = True
            processes = tuple(self._processes)
        for process in processes:
            process.kill()
        self._drop_calls()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after the running calls."""
        with self._lock:
            self._closed = True
            threads = tuple(self._threads)
        if cancel_futures:
            self._drop_calls()
        for _ in threads:
            self._calls.put(None)
        if wait:
            for thread in threads:
                thread.join()

    def _drop_calls(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except Empty:
                return
            if call is not None:
                call.future.cancel()

    def _serve(self) -> None:
        """Send calls to a worker process until the pool is shut down; replace it if it dies."""
        process: WorkerProcess | None = None
        try:
            while (call := self._calls.get()) is not None:
                if call.future.set_running_or_notify_cancel():
                    try:
                        if process is None or not process.alive():
                            process = self._replace(process)
                        result = process.call(call.function, call.args, call.kwargs)
                    except BaseException as error:  # any error is raised in the caller
                        call.future.set_exception(error)
                    else:
                        call.future.set_result(result)
                self._idle.release()
        finally:
            if process is not None:
                self._end(process)

    def _replace(self, dead: WorkerProcess | None) -> WorkerProcess:
        if dead is not None:
            self._end(dead)
        return self._start()

    def _start(self) -> WorkerProcess:
        if self._interrupted:
            raise BrokenExecutor("interrupted")
        process = WorkerProcess.start(self._variables)
        with self._lock:
            self._processes.add(process)
            interrupted = self._interrupted
        if interrupted:  # since the first check
            process.kill()
        return process

    def _end(self, process: WorkerProcess) -> None:
        process.close()
        with self._lock:
            self._processes.discard(process)


def _has_parent(driver: int) -> bool:
    return os.getppid() == driver


@contextmanager
def worker_pool(workers: int, tool_cache: Path) -> Iterator[WorkerPool]:
    """A pool of processes that die with the driver.

    Tools that would write to the home or the temporary directory (dictionaries, font caches) use
    `tool_cache`. An interrupted driver (Ctrl-C, SIGTERM, SIGUSR1) does not wait for running calls:
    files without a record are written again.
    """
    pool = WorkerPool(workers, tool_cache)
    try:
        with on_interrupt(pool.interrupt):
            yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def on_interrupt(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` after an interruption (Ctrl-C, SIGTERM, cancelled flow), but not an error."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        end()
        raise
