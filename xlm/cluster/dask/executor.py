"""Runs items on the workers of a Dask cluster, as `WorkerPool` does in processes of this machine.

Calls and answers are pickled here and in the children of the workers; Dask only carries bytes. A
worker that dies costs the items that it was running: the scheduler gives them to others. Answers
are fetched as soon as they exist, so that no finished item is lost with its worker.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from distributed import Client, KilledWorker
from distributed.client import FutureCancelledError

from xlm.cluster.dask.children import DIED
from xlm.cluster.dask.probe import Probe
from xlm.cluster.dask.worker import run_item
from xlm.cluster.dask.workers import offered
from xlm.errors import ClusterError, XlmError
from xlm.processes.pool.worker_process import pickled_call, result_of

Parameters = ParamSpec("Parameters")
ResultT = TypeVar("ResultT")

_WATCH_SECONDS = 2.0
_SENDS = 4
"""How often an item is sent before it counts as the cause of the loss of its workers."""


@dataclass
class _Item:
    """A call that waits for its answer; `key` and `sent` change when it is sent again."""

    call: bytes
    fresh: bool
    answer: "Future[bytes]" = field(default_factory=Future)
    key: str = ""
    sent: Any = None
    sends: int = 0


class DaskExecutor:
    """An executor over Dask workers that passed the checks of a run."""

    advice = "give the workers more memory, or fewer threads"

    def __init__(
        self,
        client: Client,
        name: str,
        probe: Probe,
        *,
        workers: int,
        worker_seconds: float,
        none: Callable[[], ClusterError],
    ) -> None:
        """Send items to the workers that offer the resource `name`; `workers` of them are known.

        `none` makes the error for `worker_seconds` without a worker.
        """
        self._client = client
        self._name = name
        self._probe = probe
        self._workers = workers
        self._worker_seconds = worker_seconds
        self._none = none
        self.address = str(client.scheduler.address)
        """Of the scheduler."""
        self._waiting: dict[str, _Item] = {}
        self._error: Exception | None = None
        self._number = 0
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        client.loop.add_callback(self._watch)

    @property
    def workers(self) -> int:
        """How many items the workers of the cluster run at the same time now."""
        return max(1, self._workers)

    def driver_lives(self) -> Callable[[], bool]:
        """A function for the workers: whether the driver still holds the lock of its run."""
        return self._probe.driver_lives

    def submit(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> "Future[ResultT]":
        """Run `function` in a child of a worker; the future fails if that process dies."""
        result: Future[ResultT] = Future()

        def finish(answer: Future[bytes]) -> None:
            if answer.cancelled():
                return
            try:
                value = result_of(answer.result())
            except BaseException as error:  # any error is raised in the caller
                with suppress(InvalidStateError):
                    result.set_exception(error)
            else:
                with suppress(InvalidStateError):
                    result.set_result(value)

        answer = self._send(pickled_call(function, args, kwargs), fresh=False)
        answer.add_done_callback(finish)
        result.add_done_callback(lambda done: answer.cancel() if done.cancelled() else None)
        return result

    def run_alone(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> ResultT:
        """Run `function` in a new child of a worker while no other call of this kind runs.

        Raises:
            BrokenExecutor: the child died.
            ClusterError: there was no worker for too long, or the scheduler was lost.
        """
        with self._turn:
            answer = self._send(pickled_call(function, args, kwargs), fresh=True).result()
        result: ResultT = result_of(answer)
        return result

    def interrupt(self) -> None:
        """Cancel all items without waiting for them; the workers kill their children."""
        self._fail(BrokenExecutor("interrupted"))

    def _send(self, call: bytes, *, fresh: bool) -> "Future[bytes]":
        item = _Item(call, fresh)
        with self._lock:
            if self._error is not None:
                raise self._error
            try:
                self._submit(item)
            except Exception as error:  # the client has just lost its scheduler
                raise self._lost() from error
        item.answer.add_done_callback(lambda _: self._forget(item))
        return item.answer

    def _send_again(self, key: str) -> None:
        """Send an item under a new key: under the old one, the scheduler would not run it."""
        error: Exception = BrokenExecutor("the workers of an item were lost several times")
        with self._lock:
            item = self._waiting.get(key)
            if item is None or self._error is not None:
                return
            if item.sends < _SENDS:
                before = item.sent
                try:
                    self._submit(item)
                except Exception:  # the client has just lost its scheduler
                    error = self._lost()
                else:
                    del self._waiting[key]
                    before.release()
                    return
        _set_error(item.answer, error)

    def _submit(self, item: _Item) -> None:
        """Give an item to the scheduler under a new key. The caller holds the lock."""
        self._number += 1
        key = f"{self._name}-{self._number}"
        item.sent = self._client.submit(
            run_item, self._name, item.call, item.fresh, key=key, pure=False, retries=0,
            resources={self._name: 1},
        )  # fmt: skip
        item.key, item.sends = key, item.sends + 1
        self._waiting[key] = item
        self._client.loop.add_callback(self._collect, item, item.sent)

    def _forget(self, item: _Item) -> None:
        """Release an item; one that runs is cancelled, and its worker kills the child."""
        with self._lock:
            self._waiting.pop(item.key, None)
            item.sent.release()

    async def _collect(self, item: _Item, sent: Any) -> None:
        """Fetch the answer of an item when it is there. Runs in the loop of the client."""
        try:
            data: bytes = await sent._result()
        except FutureCancelledError:
            if item.sent is sent and not item.answer.done():  # else we released it
                self._fail(self._lost())
        except KilledWorker:
            _set_error(item.answer, BrokenExecutor("an item killed several workers"))
        except XlmError as error:
            _set_error(item.answer, error)
        except Exception as error:  # of Dask: an item's own error is in its answer
            if item.sent is sent:  # else it was sent again
                what = f"a Dask worker could not run an item: {type(error).__name__}: {error}"
                _set_error(item.answer, ClusterError(what, fix="see the log of the worker"))
        else:
            if data == DIED:
                _set_error(item.answer, BrokenExecutor("an item ended its process"))
            with suppress(InvalidStateError):
                item.answer.set_result(data)

    async def _watch(self) -> None:
        """Count the workers, and end the run's items when there is none for too long."""
        last_worker, suspects = time.monotonic(), set[str]()
        while self._error is None and self._client.status in ("running", "connecting"):
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                found = await self._client.scheduler.identity(n_workers=-1)
                with self._lock:
                    keys = list(self._waiting)
                states = await self._client.scheduler.get_task_status(keys=keys)
            except (OSError, AttributeError):
                continue  # the client reports a lost scheduler itself
            self._workers = offered(found, self._name)
            if self._workers:
                last_worker = time.monotonic()
            elif keys and time.monotonic() - last_worker > self._worker_seconds:
                self._fail(self._none())
            # The scheduler has lost track of an item whose worker died, or gives one that waited
            # to no worker, as a worker offers itself after it has joined: it would never end.
            stuck = (None, "no-worker") if self._workers else (None,)
            lost = {key for key in keys if states.get(key) in stuck}
            for key in lost & suspects:
                self._send_again(key)
            suspects = lost

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the Dask scheduler at {self.address} was lost",
            fix="start it again, and run the same command again to continue",
        )

    def _fail(self, error: Exception) -> None:
        """Let all items fail, also later ones."""
        with self._lock:
            self._error = self._error or error
            items = list(self._waiting.values())
        for item in items:
            _set_error(item.answer, self._error)


def _set_error(answer: "Future[bytes]", error: Exception) -> None:
    with suppress(InvalidStateError):  # it was cancelled, or has failed already
        answer.set_exception(error)
