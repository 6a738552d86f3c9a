"""Transfers several files at the same time, with a limit for the whole remote store."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from xlm.errors import UnreachableRemoteError
from xlm.store.remote.client import Check

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

FILES_AT_ONCE = 4
BLOCKS_AT_ONCE = 4
BLOCK_BYTES = 8 << 20
"""Memory of all pulls, and of all pushes: 4 files x 4 blocks x 8 MiB = 128 MiB."""
_MAX_BLOCKS = 9_000
"""S3 accepts 10,000 parts of an object."""
_POLL_SECONDS = 0.2
_WAITS_SECONDS = (2.0, 10.0)
"""Between the attempts of a request, each of which obstore repeats for some seconds."""


def block_bytes(size_bytes: int) -> int:
    """The size of the parts in which an object is sent: 8 MiB, more for more than 70 GB."""
    return max(BLOCK_BYTES, -(-size_bytes // (_MAX_BLOCKS << 20)) << 20)


class ByteCount:
    """Counts the bytes of several threads, and reports the sum.

    Args:
        report: called with all bytes so far.
    """

    def __init__(self, report: Callable[[int], None] = lambda done: None) -> None:
        self._report = report
        self._lock = threading.Lock()
        self.done = 0

    def add(self, count: int) -> None:
        """Add bytes; a negative number if they are transferred again."""
        with self._lock:
            self.done += count
            done = self.done
        self._report(done)


class Slots:
    """Limits how many files are transferred at the same time."""

    def __init__(self, number: int = FILES_AT_ONCE) -> None:
        self._free = threading.BoundedSemaphore(number)

    @contextmanager
    def one(self, check: Check) -> Iterator[None]:
        """Hold a slot."""
        while not self._free.acquire(timeout=_POLL_SECONDS):
            check()
        try:
            yield
        finally:
            self._free.release()


class _StoppedError(Exception):
    """Another file of the same artifact failed."""


def in_parallel(
    transfer: Callable[[ItemT, Check], None], items: Iterable[ItemT], slots: Slots, check: Check
) -> None:
    """Call `transfer` for every item, in threads.

    Raises:
        Exception: the first error of an item, after the other transfers have stopped.
    """
    stop = threading.Event()

    def go_on() -> None:
        if stop.is_set():
            raise _StoppedError
        check()

    def run(item: ItemT) -> None:
        try:
            with slots.one(go_on):
                go_on()
                transfer(item, go_on)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="transfer") as pool:
        futures: list[Future[None]] = [pool.submit(run, item) for item in items]
        try:
            while wait(futures, timeout=_POLL_SECONDS).not_done and not stop.is_set():
                check()
        except BaseException:
            stop.set()
            raise
        finally:
            if stop.is_set():
                pool.shutdown(wait=False, cancel_futures=True)
    errors = [error for one in futures if not one.cancelled() and (error := one.exception())]
    for error in errors:
        if not isinstance(error, _StoppedError):
            raise error


def attempted(request: Callable[[], ResultT], check: Check) -> ResultT:
    """Make a request again, twice and after a wait, if the store does not answer.

    Raises:
        UnreachableRemoteError: the last attempt failed too.
    """
    for seconds in _WAITS_SECONDS:
        try:
            return request()
        except UnreachableRemoteError:
            _sleep(seconds, check)
    return request()


def _sleep(seconds: float, check: Check) -> None:
    waited = 0.0
    while waited < seconds:
        check()
        threading.Event().wait(_POLL_SECONDS)
        waited += _POLL_SECONDS
