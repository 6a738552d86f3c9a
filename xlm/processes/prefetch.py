"""Computes the next items of an iterator in a thread while the caller works on the current one.

    stopped = threading.Event()
    with Prefetcher(blocks, stop=stopped.set) as prefetched:
        for block in prefetched:
            ...

This helps if the caller waits for another process, or if the iterator releases Python's global lock
(decompression, numpy).
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, Self, TypeVar

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class _Item(Generic[ItemT]):
    value: ItemT


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def _stop_is_not_needed() -> None:
    """The default `stop`: the iterator never blocks for long."""


class Prefetcher(Generic[ItemT]):
    """Yields the items in order; an error of the iterator is raised in place of its item."""

    def __init__(
        self,
        items: Iterator[ItemT],
        *,
        most: int = 1,
        stop: Callable[[], None] = _stop_is_not_needed,
        name: str = "prefetch",
    ) -> None:
        """Prepare to iterate; entering the context starts the thread.

        Args:
            most: number of items to prefetch. These and the caller's current item are in memory.
            stop: makes `items` end soon; it is called when the context ends.
            name: name of the thread.
        """
        self._items = items
        self._stop = stop
        self._ready: SimpleQueue[_Item[ItemT] | _End] = SimpleQueue()
        self._wanted = threading.Semaphore(most)
        self._closed = False
        self._thread = threading.Thread(target=self._take, name=name, daemon=True)
        self.cpu_seconds = 0.0
        """CPU time of the iterator; set when the context ends."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._stop()
        self._wanted.release()
        self._thread.join()

    def __iter__(self) -> Iterator[ItemT]:
        while isinstance(item := self._ready.get(), _Item):
            self._wanted.release()
            value = item.value
            # Keep no reference to an item that the caller has finished with.
            del item
            yield value
            del value
        if item.error is not None:
            raise item.error

    def _take(self) -> None:
        error: BaseException | None = None
        try:
            while self._wanted.acquire() and not self._closed:
                self._ready.put(_Item(next(self._items)))
        except StopIteration:
            pass
        except BaseException as caught:  # any error is raised in the caller
            error = caught
        self.cpu_seconds = time.thread_time()
        self._ready.put(_End(error))
