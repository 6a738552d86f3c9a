"""Work over shards: one executor, a bounded window of futures, results in order.

The executor is a process pool here; any `concurrent.futures.Executor` (a cluster's client) serves.
"""

import os
import resource
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Generic, TypeVar

from xlm.errors import ToolError
from xlm.pipeline.tools import tool_environment

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_WATCH_SECONDS = 0.5
_OWN_STATUS = Path("/proc/self/status")
_OWN_CLEAR_REFS = Path("/proc/self/clear_refs")
_CLEAR_PEAK = "5"
"""Written to clear_refs: reset the peak resident set size (Linux, proc(5))."""


@dataclass
class Usage:
    """What the workers of one stage used."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, cpu_seconds: float, peak_memory_bytes: int) -> None:
        """Count one piece of work; the peak is that of the largest single process."""
        with self.lock:
            self.cpu_seconds += cpu_seconds
            self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes)


@dataclass(frozen=True)
class _Measured(Generic[ResultT]):
    result: ResultT
    cpu_seconds: float
    peak_memory_bytes: int


class ExecutorMapper:
    """Maps over an executor with at most twice its width in flight; adds up what it used."""

    def __init__(self, executor: Executor, workers: int, usage: Usage) -> None:
        self._executor = executor
        self._window = 2 * workers
        self._usage = usage

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Apply `function` to items in other processes; results come in order.

        Raises:
            ToolError: a worker process died (out of memory, killed).
        """
        waiting: deque[Future[_Measured[ResultT]]] = deque()
        try:
            for item in items:
                waiting.append(self._executor.submit(_measure, function, item))
                if len(waiting) >= self._window:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        except BrokenProcessPool as error:
            raise ToolError(
                "a worker process died (killed, or out of memory)", fix="rerun with fewer --workers"
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def _result(self, future: "Future[_Measured[ResultT]]") -> ResultT:
        measured = future.result()
        self._usage.add(measured.cpu_seconds, measured.peak_memory_bytes)
        return measured.result


class SerialMapper:
    """Maps in this process; for tests and for one-off calls."""

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Apply `function` to items here, one after the other."""
        return map(function, items)


@contextmanager
def process_pool(workers: int, tool_cache: Path) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers start clean (no fork of a threaded parent) and die with the driver.

    Tools that would write to the home or to the temporary directory (dictionaries, font caches)
    are pointed to `tool_cache`. An interrupted driver (Ctrl-C, SIGTERM) does not wait for the work
    in flight: files without a record are written again.
    """
    context = get_context("spawn")
    interrupted = context.Event()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_begin_worker,
        initargs=(os.getpid(), tool_cache, interrupted),
    )
    try:
        yield pool
    except Exception:
        raise
    except BaseException:
        interrupted.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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


def _measure(function: Callable[[ItemT], ResultT], item: ItemT) -> _Measured[ResultT]:
    before = time.process_time()
    _reset_peak_memory()
    result = function(item)
    return _Measured(result, time.process_time() - before, peak_memory_bytes())


def _reset_peak_memory() -> None:
    try:
        _OWN_CLEAR_REFS.write_text(_CLEAR_PEAK)
    except OSError:
        return


def peak_memory_bytes() -> int:
    """The peak resident memory of this process since its last reset (Linux) or its start."""
    return _own_memory_bytes("VmHWM:")


def resident_memory_bytes() -> int:
    """The resident memory of this process now (Linux), or its peak."""
    return _own_memory_bytes("VmRSS:")


def _own_memory_bytes(field: str) -> int:
    try:
        status = _OWN_STATUS.read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    line = next(line for line in status.split("\n") if line.startswith(field))
    return int(line.split()[1]) * 1024
