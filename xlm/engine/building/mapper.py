"""Maps a function over shards: a pool of processes, a bounded window of futures, ordered results.

The processes are those of this machine or of a cluster (`xlm/processes/pool/item_executor.py`).
"""

import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from xlm.errors import ToolError
from xlm.processes.pool.item_executor import ItemExecutor
from xlm.store.disk.locks import writing

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_OWN_STATUS = Path("/proc/self/status")
_OWN_CLEAR_REFS = Path("/proc/self/clear_refs")
_CLEAR_PEAK = "5"
"""Resets the peak resident set size when written to clear_refs (proc(5))."""


@dataclass
class Usage:
    """CPU time and peak memory of the processes of one stage."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, cpu_seconds: float, peak_memory_bytes: int) -> None:
        """Add one item. The peak is that of the largest single process."""
        with self.lock:
            self.cpu_seconds += cpu_seconds
            self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes)


@dataclass(frozen=True)
class _Measured(Generic[ResultT]):
    result: ResultT
    cpu_seconds: float
    peak_memory_bytes: int


class ExecutorMapper:
    """Maps over an executor, with at most two items a worker in flight, and sums up the usage."""

    def __init__(self, executor: ItemExecutor, usage: Usage, writers: Path | None = None) -> None:
        """Map with the executor's processes, which hold the lock file `writers` while they run."""
        self._executor = executor
        self._measure = partial(_measure, executor.driver_lives(), writers)
        self._usage = usage

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Apply `function` to items in other processes; yield the results in order.

        Raises:
            ToolError: a process died (killed, out of memory), and again when it ran the item alone.
        """

        def result(item: ItemT, future: Future[_Measured[ResultT]]) -> ResultT:
            try:
                measured = future.result()
            except BrokenExecutor:
                measured = self._alone(function, item)
            self._usage.add(measured.cpu_seconds, measured.peak_memory_bytes)
            return measured.result

        waiting: deque[tuple[ItemT, Future[_Measured[ResultT]]]] = deque()
        try:
            for item in items:
                waiting.append((item, self._executor.submit(self._measure, function, item)))
                if len(waiting) >= 2 * self._executor.workers:
                    yield result(*waiting.popleft())
            while waiting:
                yield result(*waiting.popleft())
        finally:
            for _, future in waiting:
                future.cancel()

    def _alone(self, function: Callable[[ItemT], ResultT], item: ItemT) -> "_Measured[ResultT]":
        """Run an item again, alone in a new process, after its first process died."""
        try:
            return self._executor.run_alone(self._measure, function, item)
        except BrokenExecutor as error:
            raise ToolError(
                "a worker process died twice on the same item (killed, or out of memory)",
                fix=self._executor.advice,
            ) from error


class SerialMapper:
    """Maps in this process, for tests and single calls."""

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Apply `function` to each item in turn."""
        return map(function, items)


def _measure(
    driver_lives: Callable[[], bool],
    writers: Path | None,
    function: Callable[[ItemT], ResultT],
    item: ItemT,
) -> _Measured[ResultT]:
    before = time.process_time()
    _reset_peak_memory()
    with nullcontext() if writers is None else writing(writers):
        if writers is not None and not driver_lives():
            raise ToolError("the process that started this worker has ended", fix="run again")
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
