"""Batches made ahead in a thread of their own, so that training does not wait for them.

    with Prefetch(source, ahead=2) as batches:
        ready = batches.next()
        ready.batch, ready.position  # where the source goes on after this batch

numpy works outside Python's lock for most of it. What is made does not depend on when: the source
is the thread's alone until the end.
"""

import queue
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from xlm.batches.batch import Batch
from xlm.batches.source import BatchSource, Position

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Ready:
    """A batch, and the position of the batch after it."""

    batch: Batch
    position: Position


class Prefetch:
    """At most `ahead` batches wait to be taken; what goes wrong is raised where they are taken."""

    def __init__(self, source: BatchSource, *, ahead: int) -> None:
        self._source = source
        self._ready: queue.Queue[Ready | BaseException] = queue.Queue(ahead)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._make, name="batches", daemon=True)
        self.waited_seconds = 0.0
        """How long `next` has waited in all."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def next(self) -> Ready:
        """The next batch; waits for it."""
        began = time.perf_counter()
        ready = self._ready.get()
        self.waited_seconds += time.perf_counter() - began
        if isinstance(ready, BaseException):
            raise ready
        return ready

    def _make(self) -> None:
        while not self._ended.is_set():
            try:
                batch = self._source.next_batch()
                made: Ready | BaseException = Ready(batch, self._source.position)
            except BaseException as error:
                made = error
            self._put(made)
            if isinstance(made, BaseException):
                return

    def _put(self, made: Ready | BaseException) -> None:
        while not self._ended.is_set():
            try:
                self._ready.put(made, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
