"""Slots of cores that the nodes of a run share.

with slots.taken(2):
    ...  # two slots are free for this node
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class CoreSlots:
    """A semaphore of which a node takes several slots at once, or none."""

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, cores: int) -> Iterator[None]:
        """Wait for that many slots, or for all if there are fewer, and hold them."""
        slots = min(cores, self._count)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= slots)
            self._free -= slots
        try:
            yield
        finally:
            with self._changed:
                self._free += slots
                self._changed.notify_all()
