"""Takes the next items of an iterator in a thread while the caller works on the one before them.

    stopped = threading.Event()
    with Ahead(blocks, stop=stopped.set) as ahead:
        for block in ahead:
            ...

It pays where the caller waits for another process, or where the iterator works outside of Python's
lock (decompression, numpy).
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


def _ends_by_itself() -> None:
    """The `stop` of an iterator whose next item never takes long."""


class Ahead(Generic[ItemT]):
    """The items in their order; an error of the iterator is raised where its item would come."""

    def __init__(
        self,
        items: Iterator[ItemT],
        *,
        most: int = 1,
        stop: Callable[[], None] = _ends_by_itself,
        name: str = "ahead",
    ) -> None:
        """Prepare to iterate; the thread starts with the context.

        Args:
            most: how many items are made before the caller asks for them. In memory are these and
                the item that the caller has.
            stop: makes `items` end soon; it is called when the context ends.
            name: the thread's.
        """
        self._items = items
        self._stop = stop
        self._ready: SimpleQueue[_Item[ItemT] | _End] = SimpleQueue()
        self._wanted = threading.Semaphore(most)
        self._left = False
        self._thread = threading.Thread(target=self._take, name=name, daemon=True)
        self.cpu_seconds = 0.0
        """What the iterator used; known when the context has ended."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
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
        except BaseException as caught:  # whatever it is, it is the caller's
            error = caught
        self.cpu_seconds = time.thread_time()
        self._ready.put(_End(error))
