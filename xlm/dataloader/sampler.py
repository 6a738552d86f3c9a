"""An endless walk over the batches of one data set: every one once an epoch, in a new order.

walk = Walk(lambda epoch: generator(seed, "mlm.sw", epoch).permutation(40))
walk.next(); walk.position  # Cursor(epoch=0, done=1)
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)


class Cursor(NamedTuple):
    """Where a walk is: `done` items of epoch `epoch` have been given out."""

    epoch: int
    done: int


class Items(Protocol[ItemT_co]):
    """The items of one epoch: a list, an array, or something that makes them when asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> ItemT_co: ...


class Walk(Generic[ItemT]):
    """Goes through `order(0)`, then `order(1)`, ...; an order depends on its epoch alone."""

    def __init__(self, order: Callable[[int], Items[ItemT]]) -> None:
        self._order = order
        self._epoch = 0
        self._done = 0
        self._items: Items[ItemT] | None = None

    @property
    def position(self) -> Cursor:
        """All that is needed to go on from here."""
        return Cursor(self._epoch, self._done)

    def move(self, position: Cursor) -> None:
        """Go on from an earlier position."""
        if position.epoch != self._epoch:
            self._items = None
        self._epoch, self._done = position

    def next(self) -> ItemT:
        """The next item."""
        if self._items is None:
            self._items = self._order(self._epoch)
        if self._done >= len(self._items):
            self._epoch, self._done = self._epoch + 1, 0
            self._items = self._order(self._epoch)
        item = self._items[self._done]
        self._done += 1
        return item
