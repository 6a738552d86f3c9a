"""Endless sampling from a data set: every item once an epoch, in a new order each epoch.

    sampler = EpochSampler(lambda epoch: generator(seed, "mlm.sw", epoch).permutation(40))
    next(sampler)
    sampler.state_dict()  # {"epoch": 0, "done": 1}

The sampler follows torchdata's stateful protocol (`state_dict`, `load_state_dict`).
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypedDict, TypeVar

ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)


class SamplerState(TypedDict):
    """Where a sampler continues: `done` items of epoch `epoch` have been drawn."""

    epoch: int
    done: int


class Items(Protocol[ItemT_co]):
    """The items of one epoch: a list, an array, or an object that computes them on access."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> ItemT_co: ...


class EpochSampler(Generic[ItemT]):
    """Iterates over `order(0)`, then `order(1)`, ...; an order depends on its epoch alone."""

    def __init__(self, order: Callable[[int], Items[ItemT]]) -> None:
        self._order = order
        self._epoch = 0
        self._done = 0
        self._items: Items[ItemT] | None = None

    def __iter__(self) -> "EpochSampler[ItemT]":
        return self

    def __next__(self) -> ItemT:
        if self._items is None:
            self._items = self._order(self._epoch)
        if self._done >= len(self._items):
            self._epoch, self._done = self._epoch + 1, 0
            self._items = self._order(self._epoch)
        item = self._items[self._done]
        self._done += 1
        return item

    def state_dict(self) -> SamplerState:
        """Everything needed to continue after the last drawn item."""
        return SamplerState(epoch=self._epoch, done=self._done)

    def load_state_dict(self, state_dict: SamplerState) -> None:
        """Continue from a saved state."""
        if state_dict["epoch"] != self._epoch:
            self._items = None
        self._epoch, self._done = state_dict["epoch"], state_dict["done"]
