"""Takes the next item of an iterator in a thread while the caller works on the one before it.

    stopped = threading.Event()
    with OneAhead(blocks, stop=stopped.set) as ahead:
        for block in ahead:
            ...

At most two items are in memory: the caller's and the next one. It pays where the caller waits for
another process, or where the iterator works outside of Python's lock (decompression).
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class _Item(Generic[ItemT]):
    value: ItemT


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class OneAhead(Generic[ItemT]):
    """The items in their order; an error of the iterator comes where its item would come."""

    def __init__(self, items: Iterator[ItemT], stop: Callable[[], None]) -> None:
        """Args: `stop` makes `items` end soon; it is called when the context ends early."""
        self._items = items
        self._stop = stop
        self._ready: SimpleQueue[_Item[ItemT] | _End] = SimpleQueue()
        self._wanted = threading.Semaphore(1)
        self._left = False
        self._thread = threading.Thread(target=self._take, name="one-ahead", daemon=True)
        self.cpu_seconds = 0.0
        """What the iterator used; known when the context has ended."""

    def __enter__(self) -> "OneAhead[ItemT]":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left = True
        self._stop()
        self._wanted.release()
        self._thread.join()

    def __iter__(self) -> Iterator[ItemT]:
        while isinstance(item := self._ready.get(), _Item):
            self._wanted.release()
            value = item.value
            # Nothing here may hold what the caller has finished with.
            del item
            yield value
            del value
        if item.error is not None:
            raise item.error

    def _take(self) -> None:
        error: BaseException | None = None
        try:
            while self._wanted.acquire() and not self._left:
                self._ready.put(_Item(next(self._items)))
        except StopIteration:
            pass
        except BaseException as caught:
            error = caught
        self.cpu_seconds = time.thread_time()
        self._ready.put(_End(error))
